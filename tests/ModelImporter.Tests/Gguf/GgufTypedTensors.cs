using Parley.ModelImporter.Gguf;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>Tensors by the names of their types.</summary>
internal static class GgufTypedTensors
{
    public static void Add(this GgufWriter writer, string name, GgufType type, long[] shape, byte[] data) =>
        writer.Add(name, (uint)type, shape, data);
}
