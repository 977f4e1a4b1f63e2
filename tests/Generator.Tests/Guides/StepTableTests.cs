using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Tests.Guides;

public sealed class StepTableTests
{
    [Fact]
    public void At_ManyRows_HoldsWhatWasWrittenToEachAndNothingElse()
    {
        const int rows = 1_000;
        const int classes = 7;
        var table = new StepTable(classes);
        for (var row = 0; row < rows; row++)
        {
            table.Add();
            for (var entry = 0; entry < classes; entry++)
            {
                Assert.Equal(StepTable.Unknown, table.At(row, entry));
                table.At(row, entry) = (row * classes) + entry;
            }
        }

        for (var row = 0; row < rows; row++)
        {
            for (var entry = 0; entry < classes; entry++)
                Assert.Equal((row * classes) + entry, table.At(row, entry));
        }
    }

    [Fact]
    public void At_RowsAddedMeanwhile_StaysWhereItIs()
    {
        var table = new StepTable(2);
        table.Add();
        ref var first = ref table.At(0, 1);
        for (var row = 0; row < 500; row++)
            table.Add();
        first = 42;

        Assert.Equal(42, table.At(0, 1));
    }
}
