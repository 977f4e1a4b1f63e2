using System.Buffers;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders.Normalizers;
using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

using Microsoft.ML.Tokenizers;

/// <summary>The tokenizer of a Hugging Face model folder, equal to the reference id by id.</summary>
/// <remarks>
/// Encoding runs in five steps:
/// <code>
/// text ─▶ 1 added tokens ─▶ 2 normalizer ─▶ 3 pre-tokenizer ─▶ 4 piece encoder ─▶ 5 post-processor ─▶ ids
///              └────────────── their ids ──────────────────────────▲
/// </code>
/// Special tokens are not recognised where they overlap characters that a user wrote, and in a chat what a user spelt out of them is
/// encoded apart; nothing else depends on who wrote what, so the ids of a text without special tokens are those of the whole. Thread-safe.
/// </remarks>
internal sealed class HuggingFaceTokenizer : Tokenizer
{
    private const int ScratchSymbolsMax = 1 << 16;
    private const int ScratchPiecesMax = 1 << 18;

    [ThreadStatic]
    private static Scratch? _scratch;

    // Room that an unusually long text has left: used again while it is there, and the collector's when memory is wanted.
    [ThreadStatic]
    private static WeakReference<Scratch>? _largeScratch;

    private readonly AddedTokenSplitter _addedTokens;
    private readonly TextNormalizer? _normalizer;
    private readonly PreTokenizerPipeline _preTokenizer;
    private readonly PieceEncoder _encoder;
    private readonly PostProcessor _postProcessor;

    /// <exception cref="InvalidDataException">The file asks for something that is not supported.</exception>
    public HuggingFaceTokenizer(TokenizerFile file)
    {
        _normalizer = file.Normalizer is { } normalizer ? NormalizerReader.Read(normalizer) : null;
        _addedTokens = new AddedTokenSplitter(file.AddedTokens, _normalizer);
        _preTokenizer = PreTokenizerReader.Read(file.PreTokenizer);
        if (file.Unigram is { } scores)
        {
            if (_preTokenizer.EndsInBytes)
                _preTokenizer = new PreTokenizerPipeline([.. _preTokenizer.Steps, new ByteLevelStep()], EndsInBytes: false);
            _encoder = new UnigramEncoder(file, scores);
        }
        else
        {
            _encoder = new BytePairEncoder(file, _preTokenizer.EndsInBytes);
        }

        _postProcessor = Encoders.PostProcessor.Read(file.PostProcessor);
        Tokens = new TokenTable(file, _normalizer is null ? null : _normalizer.Normalize);
        IsBytePair = file.Unigram is null;
        var symbols = _preTokenizer.EndsInBytes ? "byte-level" : file.Model.ByteFallback ? "byte fallback" : "characters";
        Algorithm = $"{(IsBytePair ? "BPE" : "Unigram")} ({symbols})";
    }

    /// <summary>The algorithm, as a person reads it.</summary>
    public string Algorithm { get; }

    /// <summary>Whether the model merges pairs, and is not Unigram.</summary>
    public bool IsBytePair { get; }

    /// <summary>The vocabulary by id.</summary>
    public TokenTable Tokens { get; }

    public override Normalizer? Normalizer => _normalizer;

    public override PreTokenizer? PreTokenizer => _preTokenizer.Steps is [var only] ? only : null;

    /// <summary>Encodes a whole text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="userRanges">The parts in which special tokens are text.</param>
    /// <param name="addSpecialTokens">Let the post-processor add what it adds.</param>
    /// <param name="ids">Receives the ids.</param>
    public void Encode(string text, UserRanges userRanges, bool addSpecialTokens, List<int> ids)
    {
        var scratch = TakeScratch();
        scratch.Segments.Clear();

        // 5a: what stands before the text.
        if (addSpecialTokens)
            ids.AddRange(_postProcessor.Before);

        // 1 and 2: cut at added tokens, normalize what lies between.
        _addedTokens.Split(text, userRanges, scratch.Segments);
        foreach (var segment in scratch.Segments)
        {
            if (!segment.IsText)
            {
                ids.Add(segment.TokenId);
                continue;
            }

            // 3: cut into pieces.
            var whole = new TextPiece(segment.Text, segment.Start, segment.Length, segment.AtStart);
            _preTokenizer.Apply(whole, ref scratch.Pieces, ref scratch.SparePieces);

            // 4: each piece by itself.
            foreach (var piece in scratch.Pieces)
                _encoder.Encode(piece.Span, scratch.Symbols, ids);
        }

        // 5b: what stands after it.
        if (addSpecialTokens)
            ids.AddRange(_postProcessor.After);
        KeepScratch(scratch);
    }

    /// <summary>
    /// Encodes a rendered chat. Control tokens that a user spelt out are text apart from their neighbours, as with transformers'
    /// <c>sanitize_control_tokens</c>: each of them, and what lies between them, by itself.
    /// </summary>
    /// <param name="text">What the template wrote.</param>
    /// <param name="userRanges">The parts in which control tokens are text.</param>
    /// <param name="controls">Which those are, from <see cref="FindControls"/>.</param>
    /// <param name="ids">Receives the ids.</param>
    /// <exception cref="UncoveredTextException">A special token cannot be written as text.</exception>
    public void EncodeChat(string text, UserRanges userRanges, AddedTokenMatcher controls, List<int> ids)
    {
        var spelt = AddedTokenSplitter.FindSpelt(text, userRanges, controls);
        var position = spelt.Count > 0 ? spelt[0].Start : text.Length;
        Encode(text[..position], userRanges.Within(0, position), addSpecialTokens: false, ids);
        for (var i = 0; i < spelt.Count; i++)
        {
            var token = spelt[i].Token;
            var before = ids.Count;
            EncodeWithin(token.Content, EncodePlain, ids);
            if (token.Special && ids.IndexOf(token.Id, before) >= 0)
                throw new UncoveredTextException(token.Content);
            position = spelt[i].Start + token.Content.Length;
            var end = i + 1 < spelt.Count ? spelt[i + 1].Start : text.Length;
            if (end == position)
                continue;
            var between = userRanges.Within(position, end - position);
            EncodeWithin(text[position..end], part => EncodePart(part, between, end - position), ids);
        }
    }

    /// <summary>Encodes a text that is wholly the caller's: special tokens are recognised, none are added.</summary>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        Encode(text, UserRanges.None, addSpecialTokens: false, ids);
        return ids;
    }

    // After a line break, whose ids are taken off again, so that no prefix is put in front as at a text's start.
    private void EncodeWithin(string part, Func<string, List<int>> encode, List<int> ids)
    {
        try
        {
            var lineBreak = Encode("\n");
            var encoded = encode("\n" + part);
            ids.AddRange(encoded.Count >= lineBreak.Count && encoded[..lineBreak.Count].SequenceEqual(lineBreak)
                ? encoded[lineBreak.Count..]
                : encode(part));
        }
        catch (UncoveredTextException)
        {
            // A vocabulary without line breaks; if it is the part that is not covered, this says so.
            ids.AddRange(encode(part));
        }
    }

    private List<int> EncodePart(string part, UserRanges userRanges, int length)
    {
        var ids = new List<int>();
        var shift = part.Length - length;
        var bounds = Enumerable.Range(0, userRanges.Count).SelectMany(i =>
            new[] { userRanges[i].Start + shift, userRanges[i].Start + userRanges[i].Length + shift });
        Encode(part, UserRanges.FromBounds([.. bounds]), addSpecialTokens: false, ids);
        return ids;
    }

    // Without looking for added tokens of any kind.
    private List<int> EncodePlain(string text)
    {
        var normal = _normalizer?.Normalize(text) ?? text;
        var (pieces, spare, ids) = (new List<TextPiece>(), new List<TextPiece>(), new List<int>());
        _preTokenizer.Apply(new TextPiece(normal, 0, normal.Length, AtStart: true), ref pieces, ref spare);
        var symbols = new SymbolBuffer();
        foreach (var piece in pieces)
            _encoder.Encode(piece.Span, symbols, ids);
        return ids;
    }

    /// <inheritdoc cref="AddedTokenSplitter.FindControls"/>
    public AddedTokenMatcher FindControls(IReadOnlyList<string> templateTexts, IReadOnlyList<string>? listed) =>
        _addedTokens.FindControls(templateTexts, listed);

    /// <summary>The first special token that stands in a text, or null.</summary>
    public string? FindSpecialToken(string text) => _addedTokens.FindSpecial(text)?.Content;

    /// <summary>The text of ids, special tokens kept; an id without a token has none.</summary>
    public override string Decode(IEnumerable<int> ids) => BatchDecoder.Decode(Tokens, [.. ids], skipSpecialTokens: false);

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        var list = ids.ToArray();
        var text = Decode(list);
        (idsConsumed, charsWritten) = (0, 0);
        if (text.Length > destination.Length)
            return OperationStatus.DestinationTooSmall;
        text.CopyTo(destination);
        (idsConsumed, charsWritten) = (list.Length, text.Length);
        return OperationStatus.Done;
    }

    /// <summary>The tokens of a text; their ranges count in the text that they decode to, which is the result's normalized text.</summary>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var ids = Encode(text ?? textSpan.ToString());
        var count = Math.Min(ids.Count, settings.MaxTokenCount);
        var tokens = new List<EncodedToken>(count);
        var decoded = new ArrayBufferWriter<char>();
        // As they come, so that each byte token gets its own range.
        var decoder = new IncrementalDecoder(Tokens, skipSpecialTokens: false, runBytesMax: 0);
        for (var i = 0; i < count; i++)
        {
            var start = decoded.WrittenCount;
            decoder.Append(ids[i], decoded);
            tokens.Add(new EncodedToken(ids[i], Tokens.Token(ids[i]) ?? "", start..decoded.WrittenCount));
        }

        decoder.Flush(decoded);
        return new EncodeResults<EncodedToken>
        {
            Tokens = tokens,
            NormalizedText = decoded.WrittenSpan.ToString(),
            CharsConsumed = decoded.WrittenCount,
        };
    }

    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        var tokens = EncodeToTokens(text, textSpan, new EncodeSettings { MaxTokenCount = int.MaxValue });
        normalizedText = tokens.NormalizedText;
        tokenCount = Math.Min(tokens.Tokens.Count, settings.MaxTokenCount);
        if (fromEnd)
            return tokenCount == 0 ? normalizedText!.Length : tokens.Tokens[^tokenCount].Offset.Start.Value;
        return tokenCount == 0 ? 0 : tokens.Tokens[tokenCount - 1].Offset.End.Value;
    }

    // Taken out while it is used: a nested call then gets its own.
    private static Scratch TakeScratch()
    {
        var scratch = _scratch;
        if (scratch is null && _largeScratch?.TryGetTarget(out scratch) == true)
            _largeScratch.SetTarget(null!);
        _scratch = null;
        return scratch ?? new Scratch();
    }

    private static void KeepScratch(Scratch scratch)
    {
        if (scratch.Symbols.Capacity <= ScratchSymbolsMax && scratch.Pieces.Capacity <= ScratchPiecesMax
            && scratch.SparePieces.Capacity <= ScratchPiecesMax)
        {
            _scratch = scratch;
            return;
        }

        // Lists keep what they hold alive, which here is the text.
        scratch.Segments.Clear();
        scratch.Pieces.Clear();
        scratch.SparePieces.Clear();
        if (_largeScratch is null)
            _largeScratch = new WeakReference<Scratch>(scratch);
        else
            _largeScratch.SetTarget(scratch);
    }

    private sealed class Scratch
    {
        public List<TextSegment> Segments { get; } = [];

        public SymbolBuffer Symbols { get; } = new();

        // Fields because the pre-tokenizer swaps the two.
        public List<TextPiece> Pieces = [];
        public List<TextPiece> SparePieces = [];
    }
}
