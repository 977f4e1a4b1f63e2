using CsCheck;

namespace Parley.Generator.Tests.Doubles;

/// <summary>Property tests without chance: the same cases in every run, each named by its number.</summary>
internal static class Seeded
{
    public static void ForAll<T>(this Gen<T> gen, int cases, Action<T> check)
    {
        for (var number = 0; number < cases; number++)
        {
            var value = gen.Generate(new PCG(7, (ulong)number + 1), null, out _);
            try
            {
                check(value);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Case {number}: {Check.Print(value)}", exception);
            }
        }
    }
}
