using System.Text;
using System.Text.Json.Nodes;

namespace Parley.Benchmarks.Forms;

/// <summary>Writes a safetensors file tensor by tensor; its header gets its room before.</summary>
internal sealed class FormFileWriter : IDisposable
{
    private const int HeaderBytes = 1 << 20;

    private readonly FileStream _file;
    private readonly JsonObject _header = [];

    public FormFileWriter(string path)
    {
        _file = File.Create(path);
        _file.Position = sizeof(long) + HeaderBytes;
    }

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => _file.Position - HeaderBytes - sizeof(long);

    public void Add(string name, string type, int[] shape, byte[] bytes)
    {
        _header[name] = new JsonObject
        {
            ["dtype"] = type,
            ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
            ["data_offsets"] = new JsonArray(Bytes, Bytes + bytes.Length),
        };
        _file.Write(bytes);
    }

    public void Dispose()
    {
        var header = Encoding.UTF8.GetBytes(_header.ToJsonString().PadRight(HeaderBytes));
        _file.Position = 0;
        _file.Write(BitConverter.GetBytes((long)header.Length));
        _file.Write(header);
        _file.Dispose();
    }
}
