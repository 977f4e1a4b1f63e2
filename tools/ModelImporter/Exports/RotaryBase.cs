namespace Parley.ModelImporter.Exports;

/// <summary>The base of a rotation by its tables: of plain ones, each number of which it then must explain.</summary>
internal static class RotaryBase
{
    /// <summary>Largest difference of a cosine or sine from what its base makes of it: rounding of an angle in fp32.</summary>
    private const double ErrorMax = 2e-3;

    private const int RowsTried = 512;

    /// <summary>Finds the base.</summary>
    /// <exception cref="InvalidDataException">There are no tables, or they are scaled.</exception>
    public static double Find(ExportedModel model, int headSize)
    {
        var node = model.Graph.Node.FirstOrDefault(node => node is { OpType: "GroupQueryAttention", Input.Count: >= 9 })
            ?? throw Fault(model, "there is no GroupQueryAttention that turns queries and keys");
        var (cosines, pairs) = Table(model, node.Input[7]);
        var (sines, _) = Table(model, node.Input[8]);
        var rows = Math.Min(cosines.Length, sines.Length) / pairs;
        if (pairs * 2 != headSize || pairs < 2 || rows < 2)
            throw Fault(model, $"{node.Input[7]} is no table of a rotation of whole heads of {headSize}");

        // The slowest pair says it best, at the last position at which it has not yet turned by one radian.
        var row = 1;
        while (row + 1 < Math.Min(rows, 1 << 20) && Math.Abs(Angle(row + 1)) < 1 && Angle(row + 1) > Angle(row))
            row++;
        var found = Math.Pow(Angle(row) / row, -headSize / (2.0 * (pairs - 1)));
        var theta = Math.Abs(found - Math.Round(found)) < 1e-4 * found ? Math.Round(found) : found;
        for (var position = 0; position < Math.Min(rows, RowsTried); position++)
        {
            for (var pair = 0; pair < pairs; pair++)
            {
                var angle = position * Math.Pow(theta, -2.0 * pair / headSize);
                if (Math.Abs(Math.Cos(angle) - cosines[(position * pairs) + pair]) > ErrorMax
                    || Math.Abs(Math.Sin(angle) - sines[(position * pairs) + pair]) > ErrorMax)
                    throw Fault(model, "its rotation is scaled; put the model's own config.json beside it, which says how");
            }
        }

        return theta;

        double Angle(int position) => Math.Atan2(sines[(position * pairs) + pairs - 1], cosines[(position * pairs) + pairs - 1]);
    }

    private static (float[] Values, int Columns) Table(ExportedModel model, string name)
    {
        foreach (var file in ExportedTensorFile.OpenAll(model))
        {
            using (file)
            {
                if (file.Tensors.FirstOrDefault(tensor => tensor.Name == name) is not { Shape: [> 0, > 0 and < 1 << 16] } table)
                    continue;
                file.Check(table);
                var values = new float[checked((int)Math.Min(table.Elements, 1 << 24) / (int)table.Shape[1] * (int)table.Shape[1])];
                file.Read(table, 0, values);
                return (values, (int)table.Shape[1]);
            }
        }

        throw Fault(model, $"there is no table {name}");
    }

    private static InvalidDataException Fault(ExportedModel model, string what) => new($"{model.Path}: {what}.");
}
