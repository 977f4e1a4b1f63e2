using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Parley.TokenizerFormat;

/// <summary>
/// Reads tokenizer.json token by token: the vocabulary and the merges, which are nearly all of the file, never become a document.
/// Its loops run once and are long, so they are compiled at their best from the start.
/// </summary>
internal sealed class TokenizerJsonReader(string sha256)
{
    private const int TokenCharactersMax = 1 << 16;
    private const int MergesExpected = 1 << 18;
    private const string PrefixOption = "continuing_subword_prefix";
    private const string SuffixOption = "end_of_word_suffix";

    private readonly Dictionary<string, JsonElement> _sections = [];
    private readonly Dictionary<string, JsonElement> _model = [];
    private Dictionary<string, int>? _vocabulary;
    private MergeTable? _merges;
    private List<double>? _scores;
    private char[] _left = new char[512];
    private char[] _right = new char[512];

    public TokenizerFile Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw Fault("is not a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "model" && reader.TokenType == JsonTokenType.StartObject)
                ReadModel(ref reader);
            else
                _sections[name] = JsonElement.ParseValue(ref reader);
        }

        if (reader.Read())
            throw Fault("goes on after its object");
        return Assemble();
    }

    private TokenizerFile Assemble()
    {
        foreach (var name in _sections.Keys)
        {
            if (name is not ("version" or "truncation" or "padding" or "added_tokens" or "normalizer" or "pre_tokenizer"
                or "post_processor" or "decoder"))
                throw Fault($"has a field \"{name}\" that is not supported");
        }

        var type = _model.TryGetValue("type", out var kind) ? kind.GetString() : _scores is null ? "BPE" : "Unigram";
        if (type is not ("BPE" or "Unigram"))
            throw Fault($"model.type \"{type}\" is not supported (BPE and Unigram are)");
        var vocabulary = _vocabulary ?? throw Fault("has no model.vocab");
        if (_scores is null != (type == "BPE"))
            throw Fault($"model.vocab is not written as for a model of the type {type}");
        var unigram = _scores is null ? null : UnigramReader.ReadOptions(
            new JsonSection(JsonSerializer.SerializeToElement(_model, SectionJson.Default.DictionaryStringJsonElement),
                $"{TokenizerFile.FileName}: model"), _scores);
        return new TokenizerFile
        {
            Sha256 = sha256,
            Vocabulary = vocabulary,
            Merges = _merges ?? (unigram is null ? throw Fault("has no model.merges") : new MergeTable(0)),
            Unigram = unigram,
            Model = unigram is null
                ? ReadOptions()
                : new ModelOptions(null, FuseUnknown: true, Flag("byte_fallback"), IgnoreMerges: false),
            AddedTokens = ReadAddedTokens(vocabulary),
            Normalizer = Section("normalizer"),
            PreTokenizer = Section("pre_tokenizer"),
            PostProcessor = Section("post_processor"),
            Decoder = Section("decoder"),
        };
    }

    private JsonSection? Section(string name) =>
        _sections.TryGetValue(name, out var element) && element.ValueKind != JsonValueKind.Null
            ? new JsonSection(element, $"{TokenizerFile.FileName}: {name}")
            : null;

    private void ReadModel(ref Utf8JsonReader reader)
    {
        var merges = default(Utf8JsonReader);
        var mergesWait = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "vocab" && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadVocabulary(ref reader);
            }
            else if (name == "vocab" && reader.TokenType == JsonTokenType.StartArray)
            {
                _vocabulary = UnigramReader.ReadVocabulary(ref reader, _scores = []);
            }
            else if (name == "merges" && reader.TokenType == JsonTokenType.StartArray)
            {
                // Merges name tokens, so a file that lists them first is read again once the vocabulary is known, and the prefix.
                merges = reader;
                mergesWait = _vocabulary is null;
                if (mergesWait)
                    reader.Skip();
                else
                    ReadMerges(ref reader);
            }
            else
            {
                _model[name] = JsonElement.ParseValue(ref reader);
                mergesWait |= name == PrefixOption && _merges is not null && Affix(name).Length > 0;
            }
        }

        if (mergesWait && _vocabulary is not null)
            ReadMerges(ref merges);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadVocabulary(ref Utf8JsonReader reader)
    {
        _vocabulary = new Dictionary<string, int>(1 << 17, StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var token = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var id) || id is < 0 or > TokenTable.IdMax)
                throw Fault($"model.vocab gives the token \"{token}\" an id that is no number from 0 to {TokenTable.IdMax}");
            _vocabulary[token] = id;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadMerges(ref Utf8JsonReader reader)
    {
        var lookup = _vocabulary!.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new MergeTable(MergesExpected);
        var prefix = Affix(PrefixOption);
        var rank = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            int leftLength, rightLength;
            if (reader.TokenType == JsonTokenType.String)
            {
                var length = Copy(ref reader, ref _left);
                leftLength = _left.AsSpan(0, length).IndexOf(' ');
                rightLength = length - leftLength - 1;
                if (leftLength <= 0 || rightLength <= 0 || _left.AsSpan(leftLength + 1, rightLength).Contains(' '))
                    throw Fault($"model.merges[{rank}] is not two tokens with a space between them");
                if (_right.Length < rightLength)
                    _right = new char[rightLength];
                _left.AsSpan(leftLength + 1, rightLength).CopyTo(_right);
            }
            else if (reader.TokenType == JsonTokenType.StartArray)
            {
                leftLength = NextPart(ref reader, ref _left, rank);
                rightLength = NextPart(ref reader, ref _right, rank);
                if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                    throw Fault($"model.merges[{rank}] is not a list of two tokens");
            }
            else
            {
                throw Fault($"model.merges[{rank}] is neither a text nor a list of two tokens");
            }

            AddMerge(merges, lookup, prefix, leftLength, rightLength, rank++);
        }

        merges.Complete();
        _merges = merges;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddMerge(
        MergeTable merges, Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup, string prefix,
        int leftLength, int rightLength, int rank)
    {
        var left = _left.AsSpan(0, leftLength);
        var right = _right.AsSpan(0, rightLength);
        if (!lookup.TryGetValue(left, out var leftId))
            throw Fault($"model.merges[{rank}] names the token \"{left}\", which is not in the vocabulary");
        if (!lookup.TryGetValue(right, out var rightId))
            throw Fault($"model.merges[{rank}] names the token \"{right}\", which is not in the vocabulary");
        if (!right.StartsWith(prefix))
            throw Fault($"model.merges[{rank}] has the right part \"{right}\" without the {PrefixOption} \"{prefix}\"");
        right = right[prefix.Length..];
        rightLength = right.Length;
        if (_left.Length < leftLength + rightLength)
            Array.Resize(ref _left, leftLength + rightLength);
        right.CopyTo(_left.AsSpan(leftLength));
        if (!lookup.TryGetValue(_left.AsSpan(0, leftLength + rightLength), out var merged))
            throw Fault($"model.merges[{rank}] makes the token \"{_left.AsSpan(0, leftLength + rightLength)}\", not in the vocabulary");
        merges.Add(leftId, rightId, rank, merged);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int NextPart(ref Utf8JsonReader reader, ref char[] buffer, int rank)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            throw Fault($"model.merges[{rank}] is not a list of two tokens");
        return Copy(ref reader, ref buffer);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Copy(ref Utf8JsonReader reader, ref char[] buffer)
    {
        var bound = reader.ValueSpan.Length;
        if (bound > TokenCharactersMax)
            throw Fault($"holds a merge of more than {TokenCharactersMax} bytes");
        if (buffer.Length < bound)
            buffer = new char[bound];
        return reader.CopyString(buffer);
    }

    private ModelOptions ReadOptions()
    {
        foreach (var (name, value) in _model)
        {
            var isSet = value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False);
            switch (name)
            {
                case "type" or "unk_token" or "fuse_unk" or "byte_fallback" or "ignore_merges":
                    break;
                case "dropout" when !isSet || (value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0):
                    break;
                case PrefixOption or SuffixOption when !isSet || value.ValueKind == JsonValueKind.String:
                    break;
                default:
                    throw Fault($"model.{name} is set to {value.GetRawText()}, which is not supported");
            }
        }

        return new ModelOptions(
            _model.TryGetValue("unk_token", out var unknown) && unknown.ValueKind == JsonValueKind.String ? unknown.GetString() : null,
            Flag("fuse_unk"), Flag("byte_fallback"), Flag("ignore_merges"))
        {
            ContinuingSubwordPrefix = Affix(PrefixOption),
            EndOfWordSuffix = Affix(SuffixOption),
        };
    }

    private string Affix(string name)
    {
        var affix = _model.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        return affix.Length <= ModelOptions.AffixCharactersMax
            ? affix
            : throw Fault($"model.{name} has more than {ModelOptions.AffixCharactersMax} characters");
    }

    private bool Flag(string name) => _model.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.True;

    private List<AddedToken> ReadAddedTokens(Dictionary<string, int> vocabulary)
    {
        var tokens = new List<AddedToken>();
        if (!_sections.TryGetValue("added_tokens", out var list) || list.ValueKind == JsonValueKind.Null)
            return tokens;
        var root = new JsonSection(JsonElement.Parse("{}"), TokenizerFile.FileName);
        if (list.ValueKind != JsonValueKind.Array)
            throw root.Fault("added_tokens is not a list");
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var element in list.EnumerateArray())
        {
            var section = new JsonSection(element, $"{TokenizerFile.FileName}: added_tokens[{tokens.Count}]");
            var content = section.Text("content");
            var id = section.Number("id", -1);
            section.AllowOnly("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
            if (id is < 0 or > TokenTable.IdMax)
                throw section.Fault($"(\"{content}\") has no usable id");
            // Hugging Face takes the model's id in silence; a file that contradicts itself is refused instead.
            if (vocabulary.TryGetValue(content, out var modelId) && modelId != id)
                throw section.Fault($"gives \"{content}\" the id {id}, but model.vocab gives it {modelId}");
            if (ids.TryGetValue(content, out var other) && other != id)
                throw section.Fault($"gives \"{content}\" a second id, {id} after {other}");
            ids[content] = id;
            if (content.Length == 0)
                continue;
            var special = section.Flag("special", false);
            tokens.Add(new AddedToken(id, content, special, section.Flag("single_word", false), section.Flag("lstrip", false),
                section.Flag("rstrip", false), section.Flag("normalized", !special)));
        }

        return tokens;
    }

    private static InvalidDataException Fault(string what) => new($"{TokenizerFile.FileName}: {what}.");
}
