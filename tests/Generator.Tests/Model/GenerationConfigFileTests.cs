using Parley.Generator.Model;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Execution;

namespace Parley.Generator.Tests.Model;

/// <summary>
/// Every key of transformers 5.23's GenerationConfig with a value that would change an answer: it is followed, it is named as not
/// followed, or it cannot change the answer of one sequence of a decoder.
/// </summary>
public sealed class GenerationConfigFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("suppress_tokens", "[5, 7, -1, 900]", "SuppressTokenIds 5 7")]
    [InlineData("begin_suppress_tokens", "[6]", "BeginSuppressTokenIds 6")]
    [InlineData("min_length", "12", "MinLength 12")]
    [InlineData("min_new_tokens", "3", "MinNewTokens 3")]
    [InlineData("max_length", "40", "MaxLength 40")]
    [InlineData("max_length", "1000000000000", "MaxLength 2147483647")]
    [InlineData("max_new_tokens", "9", "MaxNewTokens 9")]
    [InlineData("stop_strings", "\"!\"", "StopStrings !")]
    [InlineData("stop_strings", "[\"!\", \"?\", \"!\"]", "StopStrings ! ?")]
    [InlineData("bad_words_ids", "[[4], [5, 6], [1], [900]]", "BadRuns 4 5,6")]
    [InlineData("sequence_bias", "[[[4], 1.5], [[5, 6], -2]]", "RunBias 4:1.5 5,6:-2")]
    [InlineData("encoder_repetition_penalty", "1.5", "EncoderRepetitionPenalty 1.5")]
    [InlineData("exponential_decay_length_penalty", "[5, 1.5]", "LengthDecay LengthDecaySettings { Start = 5, Factor = 1.5 }")]
    [InlineData("forced_bos_token_id", "8", "ForcedBosTokenId 8")]
    [InlineData("forced_eos_token_id", "[1, 2]", "ForcedEosTokenIds 1 2")]
    [InlineData("repetition_penalty", "1.5", "RepetitionPenalty 1.5")]
    [InlineData("no_repeat_ngram_size", "3", "NoRepeatNgramSize 3")]
    [InlineData("do_sample", "true", "DoSample True")]
    [InlineData("eos_token_id", "[3, 4]", "EosTokenIds 3 4")]
    public void Read_KeyThatTheServiceFollows_IsRead(string key, string json, string expected)
    {
        var defaults = Read($$"""{"{{key}}": {{json}}}""");

        Assert.Equal(expected, Show(defaults, expected.Split(' ')[0]));
        Assert.Empty(defaults.Unhonoured);
    }

    [Theory]
    [InlineData("temperature", "0.5", "Temperature 0.5")]
    [InlineData("top_k", "7", "TopK 7")]
    [InlineData("top_p", "0.5", "TopP 0.5")]
    [InlineData("min_p", "0.1", "MinP 0.1")]
    [InlineData("typical_p", "0.7", "TypicalP 0.7")]
    [InlineData("top_h", "0.4", "TopH 0.4")]
    [InlineData("epsilon_cutoff", "0.001", "EpsilonCutoff 0.001")]
    [InlineData("eta_cutoff", "0.002", "EtaCutoff 0.002")]
    public void Read_KeyOfSampling_IsReadWithDoSampleAndNeutralWithout(string key, string json, string expected)
    {
        Assert.Equal(expected, Show(Read($$"""{"do_sample": true, "{{key}}": {{json}}}"""), expected.Split(' ')[0]));
        Assert.NotEqual(expected, Show(Read($$"""{"{{key}}": {{json}}}"""), expected.Split(' ')[0]));
    }

    [Theory]
    [InlineData("num_beams", "4", "1")]
    [InlineData("num_beam_groups", "2", "1")]
    [InlineData("diversity_penalty", "0.5", "0.0")]
    [InlineData("constraints", "[1]", "null")]
    [InlineData("force_words_ids", "[[1]]", "null")]
    [InlineData("penalty_alpha", "0.6", "0")]
    [InlineData("dola_layers", "\"high\"", "null")]
    [InlineData("guidance_scale", "1.5", "1")]
    [InlineData("encoder_no_repeat_ngram_size", "2", "0")]
    [InlineData("remove_invalid_values", "true", "false")]
    [InlineData("watermarking_config", "{}", "null")]
    [InlineData("token_healing", "true", "false")]
    [InlineData("max_time", "1.5", "null")]
    public void Read_KeyThatTheServiceDoesNotFollow_IsNamedUnlessItsValueChangesNothing(string key, string json, string neutral)
    {
        Assert.Equal([key], Read($$"""{"{{key}}": {{json}}}""").Unhonoured);
        Assert.Empty(Read($$"""{"{{key}}": {{neutral}}}""").Unhonoured);
    }

    [Theory]
    [InlineData("early_stopping", "true")]
    [InlineData("length_penalty", "2")]
    [InlineData("num_return_sequences", "3")]
    [InlineData("renormalize_logits", "true")]
    [InlineData("use_mtp", "true")]
    [InlineData("use_cache", "false")]
    [InlineData("cache_implementation", "\"hybrid\"")]
    [InlineData("cache_config", "{}")]
    [InlineData("max_cache_len", "9")]
    [InlineData("output_attentions", "true")]
    [InlineData("output_hidden_states", "true")]
    [InlineData("output_scores", "true")]
    [InlineData("output_logits", "true")]
    [InlineData("return_dict_in_generate", "true")]
    [InlineData("pad_token_id", "0")]
    [InlineData("bos_token_id", "1")]
    [InlineData("decoder_start_token_id", "1")]
    [InlineData("is_assistant", "true")]
    [InlineData("num_assistant_tokens", "9")]
    [InlineData("num_assistant_tokens_schedule", "\"heuristic\"")]
    [InlineData("assistant_confidence_threshold", "0.9")]
    [InlineData("prompt_lookup_num_tokens", "9")]
    [InlineData("max_matching_ngram_size", "3")]
    [InlineData("assistant_early_exit", "4")]
    [InlineData("assistant_lookbehind", "4")]
    [InlineData("target_lookbehind", "4")]
    [InlineData("assistant_ensemble_weight", "0.5")]
    [InlineData("speculation_type", "\"dflash\"")]
    [InlineData("compile_config", "{}")]
    [InlineData("disable_compile", "true")]
    [InlineData("continuous_batching_config", "{}")]
    [InlineData("low_memory", "true")]
    [InlineData("prefill_chunk_size", "64")]
    [InlineData("_from_model_config", "true")]
    [InlineData("transformers_version", "\"5.23.0\"")]
    [InlineData("chat_format", "\"chatml\"")]
    public void Read_KeyThatChangesNoAnswer_IsPassedOverInSilence(string key, string json)
    {
        var defaults = Read($$"""{"{{key}}": {{json}}}""");

        Assert.Empty(defaults.Unhonoured);
        Assert.Equivalent(Read("{}"), defaults);
    }

    [Theory]
    [InlineData("""{"stop_strings": ["\ud800"]}""", "stop_strings is")]
    [InlineData("""{"suppress_tokens": 5}""", "suppress_tokens is 5")]
    [InlineData("""{"suppress_tokens": ["a"]}""", "suppress_tokens is \"a\"")]
    [InlineData("""{"bad_words_ids": [4]}""", "bad_words_ids is 4")]
    [InlineData("""{"sequence_bias": [[[4], 1e99]]}""", "sequence_bias is [[4], 1e99]")]
    [InlineData("""{"sequence_bias": {"4": 1}}""", "sequence_bias is {")]
    [InlineData("""{"forced_eos_token_id": 64}""", "forced_eos_token_id is 64")]
    [InlineData("""{"stop_strings": [""]}""", "stop_strings is")]
    [InlineData("""{"max_new_tokens": 0}""", "max_new_tokens is 0")]
    [InlineData("""{"min_length": -1}""", "min_length is -1")]
    public void Read_BrokenValue_NamesFileAndField(string json, string expected)
    {
        var exception = Assert.Throws<InvalidDataException>(() => Read(json));
        Assert.Contains($"generation_config.json: {expected}", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>transformers 5.23: <c>from_pretrained(…, config_file_name="config.json")</c> where there is no other file.</summary>
    [Theory]
    [InlineData("suppress_tokens", "[5]", "SuppressTokenIds 5")]
    [InlineData("repetition_penalty", "2", "RepetitionPenalty 2")]
    [InlineData("max_new_tokens", "9", "MaxNewTokens 9")]
    [InlineData("max_length", "20", "MaxLength 20")]
    [InlineData("num_beams", "3", "Unhonoured num_beams")]
    public void Read_KeyInTheConfig_CountsWhereTheGenerationFileIsMissing(string key, string json, string expected)
    {
        var config = $$"""{"eos_token_id": 1, "{{key}}": {{json}}}""";
        File.WriteAllText(Path.Combine(_folder.Path, "config.json"), config);
        var name = expected.Split(' ')[0];
        Assert.Equal(expected, Show(GenerationConfigFile.Read(_folder.Path, 64), name));
        Assert.NotEqual(expected, Show(Read("{}"), name));
    }

    [Fact]
    public void Read_SamplingInTheConfig_CountsWhereTheGenerationFileIsMissing()
    {
        File.WriteAllText(
            Path.Combine(_folder.Path, "config.json"), """{"eos_token_id": 1, "do_sample": true, "temperature": 0.5}""");
        Assert.Equivalent(
            new GenerationDefaults { EosTokenIds = [1], DoSample = true, Temperature = 0.5f, TopK = 50 },
            GenerationConfigFile.Read(_folder.Path, 64));
    }

    [Fact]
    public void Read_BrokenValueInTheConfig_NamesThatFile()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "config.json"), """{"eos_token_id": 1, "max_new_tokens": "9"}""");
        var exception = Assert.Throws<InvalidDataException>(() => GenerationConfigFile.Read(_folder.Path, 64));
        Assert.Contains("config.json: max_new_tokens is \"9\"", exception.Message, StringComparison.Ordinal);
    }

    private static string Show(GenerationDefaults defaults, string name)
    {
        object? value = typeof(GenerationDefaults).GetProperty(name)!.GetValue(defaults);
        var text = value switch
        {
            IReadOnlyList<TokenRunBias> runs => string.Join(
                ' ', runs.Select(run => FormattableString.Invariant($"{string.Join(',', run.Ids)}:{run.Bias}"))),
            IReadOnlyList<IReadOnlyList<uint>> runs => string.Join(' ', runs.Select(run => string.Join(',', run))),
            IReadOnlyList<uint> ids => string.Join(' ', ids),
            IReadOnlyList<string> texts => string.Join(' ', texts),
            _ => FormattableString.Invariant($"{value}"),
        };
        return $"{name} {text}";
    }

    private GenerationDefaults Read(string json)
    {
        var path = Path.Combine(_folder.Path, "config.json");
        if (!File.Exists(path))
            File.WriteAllText(path, """{"eos_token_id": 1}""");
        File.WriteAllText(Path.Combine(_folder.Path, "generation_config.json"), json);
        return GenerationConfigFile.Read(_folder.Path, 64);
    }
}
