using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace Parley.TokenizerFormat;

/// <summary>
/// Reads SentencePiece's tokenizer.model into the stages that transformers makes of it: the class in tokenizer_config.json decides
/// what the model file leaves open.
/// </summary>
internal sealed class SentencePieceReader
{
    private const string Name = TokenizerFile.SentencePieceFileName;

    private readonly SentencePieceModel _model;
    private readonly TokenizerConfiguration _configuration;
    private readonly Dictionary<string, int> _vocabulary = new(StringComparer.Ordinal);
    private readonly List<float> _scores = [];
    private int _unknownId;

    private SentencePieceReader(SentencePieceModel model, TokenizerConfiguration configuration) =>
        (_model, _configuration) = (model, configuration);

    private bool IsBpe => _model.ModelType == (int)SentencePieceModel.Kind.Bpe;

    private bool IsGemma => _configuration.Class == "GemmaTokenizer";

    private bool IsT5 => _configuration.Class == "T5Tokenizer";

    // The class shifts all ids by one and has its own order of the first four.
    private bool IsXlmRoberta => _configuration.Class == "XLMRobertaTokenizer";

    /// <exception cref="InvalidDataException">The file is broken, or asks for something that is not supported.</exception>
    public static TokenizerFile Read(byte[] bytes, TokenizerConfiguration configuration)
    {
        SentencePieceModel model;
        try
        {
            model = SentencePieceModel.Parse(bytes);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new InvalidDataException($"{Name} is neither a SentencePiece model nor a tiktoken file: {exception.Message}", exception);
        }

        return new SentencePieceReader(model, configuration).Build(Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    private TokenizerFile Build(string sha256)
    {
        Check();
        AddPieces();
        var added = ReadAddedTokens();
        var fallsBack = _model.ByteFallback;
        return new TokenizerFile
        {
            Sha256 = sha256,
            Vocabulary = _vocabulary,
            Merges = IsBpe ? MergeBuilder.FromScores(_vocabulary, Products()) : new MergeTable(0),
            Unigram = IsBpe ? null : new UnigramScores([.. _scores.Select(score => (double)score)], _unknownId),
            Model = new ModelOptions(IsBpe ? _model.Pieces[_unknownId].Text : null, FuseUnknown: true, fallsBack, IgnoreMerges: false),
            AddedTokens = added,
            Normalizer = Sequence("normalizers", Normalizers()),
            PreTokenizer = PreTokenizer() is { } preTokenizer ? Section(preTokenizer) : null,
            PostProcessor = PostProcessor() is { } postProcessor ? Section(postProcessor) : null,
            Decoder = Decoder(),
        };
    }

    private void Check()
    {
        if (_model.Pieces.Count == 0)
            throw new InvalidDataException($"{Name} holds no pieces.");
        if (_model.ModelType is not ((int)SentencePieceModel.Kind.Unigram or (int)SentencePieceModel.Kind.Bpe))
            throw new InvalidDataException($"{Name}: trainer_spec.model_type {_model.ModelType} is not supported (1 and 2 are).");
        if (_model.SpacesAreSuffixes)
            throw new InvalidDataException($"{Name}: trainer_spec.treat_whitespace_as_suffix is not supported.");
        if (!_model.EscapesSpaces)
            throw new InvalidDataException($"{Name}: normalizer_spec.escape_whitespaces = false is not supported.");
        if (_model.UnknownId < 0 || _model.UnknownId >= _model.Pieces.Count)
            throw new InvalidDataException($"{Name}: trainer_spec.unk_id {_model.UnknownId} is not the id of a piece.");
        if (IsXlmRoberta && (IsBpe || _model.Pieces.Count < 3))
            throw new InvalidDataException($"{Name} is no model for the class XLMRobertaTokenizer.");
    }

    private void AddPieces()
    {
        _unknownId = _model.UnknownId;
        IEnumerable<(string Text, float Score)> pieces = _model.Pieces.Select(piece => (piece.Text, piece.Score));
        if (IsXlmRoberta)
        {
            pieces = [("<s>", 0), ("<pad>", 0), ("</s>", 0), ("<unk>", 0), .. pieces.Skip(3), ("<mask>", 0)];
            _unknownId = 3;
        }
        else if (IsT5)
        {
            var extra = Math.Clamp(_configuration.Number("extra_ids", 100), 0, 10_000);
            pieces = pieces.Concat(Enumerable.Range(0, extra).Select(i => ($"<extra_id_{extra - 1 - i}>", 0f)));
        }

        foreach (var (text, score) in pieces)
        {
            if (!float.IsFinite(score))
                throw new InvalidDataException($"{Name}: the piece {_scores.Count} has no finite score.");
            _vocabulary[text] = _scores.Count;
            _scores.Add(score);
        }

        // Gemma's first files have no piece for a tab; its byte stands for it.
        if (IsGemma && !_vocabulary.ContainsKey("\t") && _vocabulary.Remove("<0x09>", out var tab))
            _vocabulary["\t"] = tab;
    }

    private IEnumerable<(string Token, float Score)> Products() => _model.Pieces
        .Where((piece, id) => piece.Kind == SentencePieceModel.PieceKind.Normal && _vocabulary.GetValueOrDefault(piece.Text, -1) == id)
        .Select(piece => (piece.Text, piece.Score));

    private List<AddedToken> ReadAddedTokens()
    {
        var tokens = new SortedDictionary<int, AddedToken>();
        for (var i = 0; i < _model.Pieces.Count; i++)
        {
            var (text, kind) = (_model.Pieces[i].Text, _model.Pieces[i].Kind);
            var isTurn = IsGemma && text is "<start_of_turn>" or "<end_of_turn>";
            if (kind is SentencePieceModel.PieceKind.Control or SentencePieceModel.PieceKind.UserDefined && text.Length > 0)
                Add(text, special: kind == SentencePieceModel.PieceKind.Control || isTurn);
        }

        foreach (var name in (string[])["bos_token", "eos_token", "unk_token", "pad_token", "mask_token"])
        {
            if (_configuration.Special(name) is { Length: > 0 } text)
                Add(text, special: true);
        }

        foreach (var token in _vocabulary.Keys.Where(token => IsT5 && token.StartsWith("<extra_id_", StringComparison.Ordinal)))
            Add(token, special: true);
        Add(IsXlmRoberta ? "<unk>" : _model.Pieces[_unknownId].Text, special: true);
        foreach (var token in _configuration.ReadAddedTokens())
        {
            if (_vocabulary.TryGetValue(token.Content, out var id) && id != token.Id)
                throw new InvalidDataException($"{ModelFolder.TokenizerConfig}: added_tokens_decoder gives \"{token.Content}\" the id "
                    + $"{token.Id}, but {Name} gives it {id}.");
            tokens[token.Id] = token;
        }

        return [.. tokens.Values];

        void Add(string text, bool special)
        {
            if (_vocabulary.TryGetValue(text, out var id))
                tokens[id] = new AddedToken(id, text, special, false, false, false, Normalized: false);
        }
    }

    private bool AddsPrefix => _configuration.Flag("add_prefix_space", _model.AddsDummyPrefix);

    private bool IsLegacy => _configuration.Flag("legacy", true);

    private JsonArray Normalizers()
    {
        var steps = new JsonArray();
        if (_model.CharacterMap.Length > 0)
            steps.Add(new JsonObject
            {
                ["type"] = "Precompiled",
                ["precompiled_charsmap"] = Convert.ToBase64String(_model.CharacterMap),
            });
        if (_model.RemovesExtraSpaces && !IsGemma)
        {
            steps.Add(new JsonObject { ["type"] = "Strip", ["strip_left"] = false, ["strip_right"] = true });
            steps.Add(new JsonObject
            {
                ["type"] = "Replace",
                ["pattern"] = new JsonObject { ["Regex"] = " {2,}" },
                ["content"] = IsBpe ? " " : "▁",
            });
        }

        if (IsBpe && IsLegacy && AddsPrefix && !IsGemma)
            steps.Add(new JsonObject { ["type"] = "Prepend", ["prepend"] = "▁" });
        if (IsGemma || (IsBpe && IsLegacy))
            steps.Add(new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = "▁" });
        return steps;
    }

    private JsonObject? PreTokenizer()
    {
        if (IsGemma || (IsBpe && IsLegacy))
            return null;
        return Metaspace(split: !IsBpe);
    }

    private JsonObject Metaspace(bool split) => new()
    {
        ["type"] = "Metaspace",
        ["replacement"] = "▁",
        ["prepend_scheme"] = !AddsPrefix ? "never" : IsLegacy ? "always" : "first",
        ["split"] = split,
    };

    private JsonSection Decoder()
    {
        if (!IsBpe && !_model.ByteFallback)
            return Section(Metaspace(split: true));
        var steps = new JsonArray
        {
            new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = "▁" }, ["content"] = " " },
            new JsonObject { ["type"] = "ByteFallback" },
            new JsonObject { ["type"] = "Fuse" },
        };
        if (AddsPrefix && !IsGemma)
            steps.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return Section(new JsonObject { ["type"] = "Sequence", ["decoders"] = steps });
    }

    private JsonObject? PostProcessor()
    {
        var begins = _configuration.Flag("add_bos_token", IsBpe || IsXlmRoberta);
        var ends = _configuration.Flag("add_eos_token", IsT5 || IsXlmRoberta);
        var template = new JsonArray();
        var specials = new JsonObject();
        if (begins)
            Add(_configuration.Special("bos_token") ?? PieceText(_model.BeginId, "<s>"));
        template.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } });
        if (ends)
            Add(_configuration.Special("eos_token") ?? PieceText(_model.EndId, "</s>"));
        return specials.Count == 0 ? null
            : new JsonObject { ["type"] = "TemplateProcessing", ["single"] = template, ["special_tokens"] = specials };

        void Add(string token)
        {
            if (!_vocabulary.TryGetValue(token, out var id))
                return;
            template.Add(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } });
            specials[token] = new JsonObject { ["ids"] = new JsonArray(id) };
        }
    }

    private string PieceText(int id, string unset) => id >= 0 && id < _model.Pieces.Count ? _model.Pieces[id].Text : unset;

    private static JsonSection? Sequence(string name, JsonArray steps) =>
        steps.Count == 0 ? null : Section(new JsonObject { ["type"] = "Sequence", [name] = steps });

    private static JsonSection Section(JsonObject json) =>
        new(JsonSerializer.SerializeToElement(json, SectionJson.Default.JsonObject), Name);
}
