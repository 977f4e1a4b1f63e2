using System.Text;
using System.Text.Json;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Tests.Guides;

/// <summary>
/// Writes an instance as the guide's language has it: without whitespace, and with the keys that the schema names first and in its order.
/// </summary>
internal sealed class InstanceWriter
{
    private readonly JsonMachine _machine;
    private readonly StringBuilder _text = new();
    private readonly Trail _trail = new();
    private Place? _place;

    private InstanceWriter(JsonMachine machine) => (_machine, _place) = (machine, machine.Start);

    /// <summary>Writes the value.</summary>
    /// <param name="machine">Knows the order.</param>
    /// <param name="data">The value as JSON.</param>
    public static string Write(JsonMachine machine, string data)
    {
        machine.BeginAccount();
        var writer = new InstanceWriter(machine);
        writer.Write(JsonTree.Parse(data));
        return writer._text.ToString();
    }

    private void Write(JsonTree value)
    {
        if (value.Kind == JsonKind.Object)
        {
            Put("{");
            var names = (_place?.State as MembersState)?.Object.Names;
            var first = true;
            foreach (var (key, member) in value.Members.OrderBy(member => Rank(names, member.Key)))
            {
                Put(first ? "" : ",");
                first = false;
                Put(CompactJson.Write(JsonTree.Parse(JsonSerializer.Serialize(key))));
                Put(":");
                Write(member);
            }

            Put("}");
        }
        else if (value.Kind == JsonKind.Array)
        {
            Put("[");
            for (var i = 0; i < value.Items.Count; i++)
            {
                Put(i > 0 ? "," : "");
                Write(value.Items[i]);
            }

            Put("]");
        }
        else
        {
            Put(CompactJson.Write(value));
        }
    }

    private static int Rank(NameTable? names, string key) =>
        names?.IndexOf(key) is { } index and >= 0 && index < names.Ordered ? index : int.MaxValue;

    /// <summary>Follows the text so far as the machine takes it; behind that the order is the instance's own.</summary>
    private void Put(string text)
    {
        _text.Append(text);
        foreach (var next in Encoding.UTF8.GetBytes(text))
        {
            _place = _place is { } place && _machine.TryStep(place, next, _trail, out var after) ? after : null;
            _trail.Add(next);
        }
    }
}
