using System.Text.Json;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Tags;

/// <summary>
/// Reads a structural tag: free text, tags, and what stands within, as JSON (docs/guides.md). Tokens that are no text stand wherever a
/// literal holds their content, and nowhere else.
/// </summary>
internal sealed class TagReader
{
    private readonly List<GrammarRule> _rules = [];
    private readonly TokenVocabulary _vocabulary;
    private readonly Func<string, GuideMachine> _json;
    private readonly TagLiterals _literals;
    private int _formats;

    private TagReader(TokenVocabulary vocabulary, Func<string, GuideMachine> json)
    {
        (_vocabulary, _json) = (vocabulary, json);
        _literals = new TagLiterals(vocabulary);
    }

    /// <summary>Reads it.</summary>
    /// <param name="text">The structural tag.</param>
    /// <param name="vocabulary">Tokens that it may name.</param>
    /// <param name="json">Makes a machine of a schema.</param>
    /// <exception cref="GuideException">It is none, or asks for what is not supported; a JSON pointer says where.</exception>
    public static Grammar Read(string text, TokenVocabulary vocabulary, Func<string, GuideMachine> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = GuideLimits.SchemaDepthMax });
        }
        catch (JsonException exception)
        {
            throw new GuideException("", $"the structural tag is no JSON: {exception.Message}");
        }

        using (document)
        {
            var reader = new TagReader(vocabulary, json);
            var tree = reader.ReadWhole(new TagFields(document.RootElement, ""));
            reader._rules.Add(new GrammarRule("the structural tag", tree));
            return new Grammar(reader._rules, reader._rules.Count - 1);
        }
    }

    private GrammarTree ReadWhole(TagFields fields)
    {
        if (fields.Has("type") && fields.Type != "structural_tag")
            throw fields.Fault("type", "must be 'structural_tag'");
        if (!fields.Has("structures"))
        {
            var format = fields.Need("format");
            fields.Finish();
            return Read(format, "/format", TagEnds.None);
        }

        // The older form: tags with a schema each, behind triggers.
        var structures = fields.Items("structures", 1);
        var triggers = fields.Texts("triggers", 1).Select(_literals.Of).ToList();
        fields.Finish();
        var tags = structures.Select(item =>
        {
            var inner = new TagFields(item.Value, $"/{item.Field}");
            var (begin, end) = (inner.Text("begin"), inner.Text("end"));
            var content = Schema(inner, "schema");
            inner.Finish();
            return new OpenTag(
                begin, _literals.Of(begin), new TagEnds([_literals.Of(end)], IsLast: true).Close(content), $"/{item.Field}/begin");
        });
        return TriggeredTags.Build(
            [.. tags], [.. fields.Texts("triggers", 1).Zip(triggers)], [], TagEnds.None, atLeastOne: false, stopAfterFirst: false);
    }

    private GrammarTree Read(JsonElement element, string path, TagEnds ends)
    {
        var fields = new TagFields(element, path);
        GuideLimits.ThrowIfStopped();
        if (++_formats > GuideLimits.SchemasMax)
            throw fields.Fault("", $"there are more than {GuideLimits.SchemasMax} formats");
        var tree = fields.Type switch
        {
            "const_string" => ends.Close(GrammarTree.Literal(_literals.Of(fields.Text("value")))),
            "token" => ends.Close(GrammarTree.Literal(_literals.OfToken(fields, fields.Need("token"), "token"))),
            "exclude_token" => ends.Close(GrammarTree.OtherToken(_literals.Ids(fields, "exclude_tokens"))),
            "any_tokens" => ends.Close(GrammarTree.Repeat(GrammarTree.OtherToken(_literals.Ids(fields, "exclude_tokens")), 0, -1)),
            "json_schema" or "qwen_xml_parameter" => ends.Close(ReadSchema(fields)),
            "regex" => ends.Close(ReadPattern(fields)),
            "grammar" => ends.Close(ReadGrammar(fields)),
            "any_text" => ends.Text(Excludes(fields)),
            "sequence" => ReadSequence(fields, ends),
            "or" => GrammarTree.Choice([.. fields.Items("elements", 1).Select(item => Read(item.Value, $"{path}/{item.Field}", ends))]),
            "optional" => GrammarTree.Choice(Read(fields.Need("content"), $"{path}/content", ends), ends.Close(GrammarTree.Empty)),
            "star" => ends.Close(ReadRepeat(fields, ends, 0, -1)),
            "plus" => ends.Close(ReadRepeat(fields, ends, 1, -1)),
            "repeat" => ends.Close(ReadRepeat(fields, ends, fields.Number("min", 0), fields.Number("max", -1))),
            "tag" => ends.Close(ReadTag(fields).ToTree()),
            "triggered_tags" or "token_triggered_tags" => ReadTriggered(fields, ends),
            "tags_with_separator" => ends.Close(ReadSeparated(fields)),
            "dispatch" or "token_dispatch" => ReadDispatch(fields, ends),
            _ => throw fields.Fault("type", $"'{Shown(fields.Type)}' is no format that is supported"),
        };
        fields.Finish();
        return tree;
    }

    private static string Shown(string text) => text.Length > 40 ? text[..40] + "…" : text;

    private GrammarTree ReadSequence(TagFields fields, TagEnds ends)
    {
        var items = fields.Items("elements", 1);
        return GrammarTree.Sequence([.. items.Select((item, index) =>
            Read(item.Value, $"{fields.Path}/{item.Field}", index == items.Count - 1 ? ends : ends.Inside))]);
    }

    private GrammarTree ReadRepeat(TagFields fields, TagEnds ends, int min, int max)
    {
        if (max >= 0 && max < min)
            throw fields.Fault("max", "must not be less than min");
        return GrammarTree.Repeat(Read(fields.Need("content"), $"{fields.Path}/content", ends.Inside), min, max);
    }

    private OpenTag ReadTag(TagFields fields)
    {
        if (fields.Type != "tag")
            throw fields.Fault("type", "must be 'tag'");
        var begin = fields.Need("begin");
        var symbols = _literals.OfTextOrToken(fields, begin, "begin");
        var end = fields.Need("end");
        var ends = end.ValueKind == JsonValueKind.Array
            ? fields.Items("end", 1).Select(item => _literals.Of(fields.TextOf(item.Value, item.Field, mayBeEmpty: true)))
            : [_literals.OfTextOrToken(fields, end, "end")];
        var content = Read(fields.Need("content"), $"{fields.Path}/content", new TagEnds([.. ends], IsLast: true));
        fields.Finish();
        return new OpenTag(
            begin.ValueKind == JsonValueKind.String ? begin.GetString()! : null, symbols, content, fields.PathOf("begin"));
    }

    private List<OpenTag> ReadTags(TagFields fields) =>
        [.. fields.Items("tags", 1).Select(item => ReadTag(new TagFields(item.Value, $"{fields.Path}/{item.Field}")))];

    private GrammarTree ReadTriggered(TagFields fields, TagEnds ends)
    {
        var tags = ReadTags(fields);
        List<(string, int[])> triggers = fields.Type == "triggered_tags"
            ? [.. fields.Texts("triggers", 1).Select(trigger => (trigger, _literals.Of(trigger)))]
            : [.. fields.Items("trigger_tokens", 1).Select(item => ("", _literals.OfToken(fields, item.Value, item.Field)))];
        return TriggeredTags.Build(
            tags, triggers, Excludes(fields), ends, fields.Flag("at_least_one", false), fields.Flag("stop_after_first", false));
    }

    private GrammarTree ReadSeparated(TagFields fields)
    {
        var tag = GrammarTree.Choice([.. ReadTags(fields).Select(one => one.ToTree())]);
        var separator = GrammarTree.Literal(_literals.Of(fields.Text("separator")));
        var more = GrammarTree.Repeat(GrammarTree.Sequence(separator, tag), 0, fields.Flag("stop_after_first", false) ? 0 : -1);
        var tree = GrammarTree.Sequence(tag, more);
        return fields.Flag("at_least_one", false) ? tree : GrammarTree.Repeat(tree, 0, 1);
    }

    private GrammarTree ReadDispatch(TagFields fields, TagEnds ends)
    {
        var loops = fields.Flag("loop", true);
        var patterns = new List<TextPattern>();
        foreach (var (rule, field) in fields.Items("rules", 1))
        {
            if (rule.ValueKind != JsonValueKind.Array || rule.GetArrayLength() != 2)
                throw new GuideException($"{fields.Path}/{field}", "must be a string and the format that follows it");
            var symbols = fields.Type == "dispatch"
                ? _literals.Of(fields.TextOf(rule[0], $"{field}/0", mayBeEmpty: false))
                : _literals.OfToken(fields, rule[0], $"{field}/0");
            var then = Read(rule[1], $"{fields.Path}/{field}/1", loops ? ends.Inside : ends);
            patterns.Add(new TextPattern(symbols, then, loops));
        }

        return ends.Text([.. patterns, .. Excludes(fields)]);
    }

    private List<TextPattern> Excludes(TagFields fields)
    {
        if (fields.Type.StartsWith("token_", StringComparison.Ordinal))
        {
            foreach (var id in _literals.Ids(fields, "exclude_tokens"))
            {
                if (_vocabulary.Tokens[id] is not null)
                    throw fields.Fault("exclude_tokens", $"holds {id}, which is text: only any_tokens and exclude_token can exclude it");
            }

            return [];
        }

        foreach (var limit in (string[])["max_tokens", "max_chars"])
        {
            if (fields.Has(limit))
                throw fields.Fault(limit, "is not supported: the answer's own max_tokens is");
        }

        return [.. fields.Texts("excludes", 0).Select(text => new TextPattern(_literals.Of(text), null, Returns: false))];
    }

    private GrammarTree ReadSchema(TagFields fields)
    {
        if (fields.Type == "qwen_xml_parameter")
            throw fields.Fault("type", "'qwen_xml_parameter' is not supported: say it with tags, or as a grammar");
        if (fields.Has("style") && fields.Text("style") != "json")
            throw fields.Fault("style", "only 'json' is supported");
        if (fields.Flag("any_order", false))
            throw fields.Fault("any_order", "is not supported: keys come in the schema's order, or by the service's setting in any");
        return Schema(fields, "json_schema");
    }

    private GrammarTree Schema(TagFields fields, string field)
    {
        var schema = fields.Need(field);
        if (schema.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
            throw fields.Fault(field, "must be a JSON schema");
        try
        {
            return GrammarTree.OfMachine(_json(schema.GetRawText()));
        }
        catch (GuideException exception)
        {
            throw new GuideException(fields.PathOf(field) + exception.Place, exception.Message);
        }
    }

    private static GrammarTree ReadPattern(TagFields fields)
    {
        var pattern = fields.Text("pattern");
        try
        {
            return GrammarTree.OfPattern(RegexParser.Parse(pattern));
        }
        catch (GuideException exception)
        {
            throw fields.Fault("pattern", exception.Message);
        }
    }

    private GrammarTree ReadGrammar(TagFields fields)
    {
        var text = fields.Text("grammar");
        try
        {
            var grammar = GrammarReader.Read(text, GrammarSyntax.Unspecified, _vocabulary, _json);
            var offset = _rules.Count;
            _rules.AddRange(grammar.Rules.Select(rule => rule with { Tree = Shift(rule.Tree, offset) }));
            return GrammarTree.OfRule(offset + grammar.Root);
        }
        catch (GuideException exception)
        {
            throw new GuideException(
                exception.Place.Length > 0 ? $"{fields.PathOf("grammar")}, {exception.Place}" : fields.PathOf("grammar"), exception.Message);
        }
    }

    private static GrammarTree Shift(GrammarTree tree, int offset) => tree.Kind switch
    {
        GrammarKind.Rule => tree with { Rule = tree.Rule + offset },
        _ when tree.Members.Count > 0 => tree with { Members = [.. tree.Members.Select(member => Shift(member, offset))] },
        _ => tree,
    };
}
