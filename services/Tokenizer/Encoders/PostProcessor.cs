using System.Text.Json;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>Step 5 of encoding: the tokens put around a text when special tokens are asked for, e.g. the beginning of text.</summary>
internal sealed record PostProcessor(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    public static PostProcessor None { get; } = new([], []);

    public static PostProcessor Read(JsonSection? section)
    {
        if (section is null)
            return None;
        var (before, after) = (new List<int>(), new List<int>());
        Read(section.Value, before, after);
        return new PostProcessor(before, after);
    }

    private static void Read(JsonSection section, List<int> before, List<int> after)
    {
        switch (section.Type)
        {
            case "Sequence":
                section.AllowOnly("processors");
                foreach (var item in section.Items("processors"))
                    Read(item, before, after);
                break;
            case "ByteLevel":
                // Only trims offsets.
                section.AllowOnly("add_prefix_space", "trim_offsets", "use_regex");
                break;
            case "TemplateProcessing":
                section.AllowOnly("single", "pair", "special_tokens");
                ReadTemplate(section, before, after);
                break;
            case "BertProcessing" or "RobertaProcessing":
                section.AllowOnly("sep", "cls", "trim_offsets", "add_prefix_space");
                before.Insert(0, PairId(section, "cls"));
                after.Add(PairId(section, "sep"));
                break;
            default:
                throw section.UnknownType("the post-processor");
        }
    }

    private static void ReadTemplate(JsonSection section, List<int> before, List<int> after)
    {
        var specials = section.Has("special_tokens") ? section.Section("special_tokens") : default;
        var newBefore = new List<int>();
        var seen = false;
        foreach (var item in section.Items("single"))
        {
            if (item.Has("Sequence"))
            {
                if (seen)
                    throw item.Fault("repeats the text, which is not supported");
                seen = true;
                continue;
            }

            var name = item.Section("SpecialToken").Text("id");
            if (specials.Element.ValueKind != JsonValueKind.Object || !specials.Has(name))
                throw item.Fault($"names the special token \"{name}\", which special_tokens does not define");
            foreach (var id in specials.Section(name).Items("ids"))
                (seen ? after : newBefore).Add(Id(id));
        }

        before.InsertRange(0, newBefore);
    }

    private static int PairId(JsonSection section, string name)
    {
        var pair = section.Section(name);
        return pair.Element.ValueKind == JsonValueKind.Array && pair.Element.GetArrayLength() == 2
            ? Id(new JsonSection(pair.Element[1], pair.Place + "[1]"))
            : throw pair.Fault("is not a token with its id");
    }

    private static int Id(JsonSection section) =>
        section.Element.ValueKind == JsonValueKind.Number && section.Element.TryGetInt32(out var id) && id is >= 0 and <= TokenTable.IdMax
            ? id
            : throw section.Fault("is not an id");
}
