using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Detokenization;

/// <summary>The sequences of one detokenize stream, and the rules of its protocol.</summary>
internal sealed class DetokenizeSession(TokenTable tokens, TokenizerOptions options)
{
    private readonly Dictionary<uint, SequenceDecoder> _sequences = [];

    /// <summary>Opens a sequence.</summary>
    /// <exception cref="RequestException">It is open already, there are too many, or a stop or the prefix is not allowed.</exception>
    public void Start(uint sequence, SequenceSettings settings)
    {
        var stops = settings.Stops;
        if (_sequences.ContainsKey(sequence))
            throw new RequestException("start", $"Sequence {sequence} is open already.");
        if (_sequences.Count >= options.SequencesPerStreamMax)
            throw new RequestException("start", $"A stream carries at most {options.SequencesPerStreamMax} sequences.");
        if (stops.Count > options.StopCountMax)
            throw new RequestException("start.stop", $"{stops.Count} stops are given; at most {options.StopCountMax} are allowed.");
        if (settings.PrefixIds.Count > options.PrefixTokensMax)
        {
            throw new RequestException("start.prefix_ids",
                $"{settings.PrefixIds.Count} ids are given; at most {options.PrefixTokensMax} are allowed.");
        }

        for (var i = 0; i < stops.Count; i++)
        {
            if (stops[i].Length == 0)
                throw new RequestException($"start.stop[{i}]", "A stop must not be empty.");
            if (stops[i].Length > options.StopCharactersMax)
                throw new RequestException($"start.stop[{i}]", $"A stop has at most {options.StopCharactersMax} characters.");
        }

        _sequences.Add(sequence, new SequenceDecoder(tokens, settings, options.ByteRunBytesMax));
    }

    /// <summary>Decodes a batch; null when the sequence is final and the batch crossed that on the wire.</summary>
    /// <exception cref="RequestException">The sequence is not open.</exception>
    public DetokenizeUpdate? Append(uint sequence, ReadOnlySpan<uint> ids)
    {
        var decoder = Find(sequence);
        return decoder.IsFinal ? null : decoder.Append(ids);
    }

    /// <summary>Ends a sequence and forgets it; null when it was final before.</summary>
    /// <exception cref="RequestException">The sequence is not open.</exception>
    public DetokenizeUpdate? End(uint sequence)
    {
        var decoder = Find(sequence);
        _sequences.Remove(sequence);
        return decoder.IsFinal ? null : decoder.End();
    }

    /// <summary>Ends a sequence, open or not, without a word.</summary>
    public void Forget(uint sequence) => _sequences.Remove(sequence);

    private SequenceDecoder Find(uint sequence) => _sequences.TryGetValue(sequence, out var decoder)
        ? decoder
        : throw new RequestException("sequence", $"Sequence {sequence} was not started on this stream.");
}
