using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>
/// The rare settings of sampling over HTTP, under the names of transformers, vLLM and llama.cpp, and the prompt's logprobs.
/// </summary>
public sealed class ProcessorFieldsTests
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    public static TheoryData<string, string> Cases => new()
    {
        { "\"top_n_sigma\":1.5", """{ "topNSigma": 1.5 }""" },
        { "\"nsigma\":1.5", """{ "topNSigma": 1.5 }""" },
        { "\"top_h\":0.5", """{ "topH": 0.5 }""" },
        { "\"epsilon_cutoff\":0.25,\"eta_cutoff\":0.5", """{ "epsilonCutoff": 0.25, "etaCutoff": 0.5 }""" },
        { "\"xtc_probability\":0.5", """{ "xtcProbability": 0.5 }""" },
        { "\"xtc_probability\":0.5,\"xtc_threshold\":0.25", """{ "xtcProbability": 0.5, "xtcThreshold": 0.25 }""" },
        { "\"dynatemp_range\":0.5,\"dynatemp_exponent\":2", """{ "dynatempRange": 0.5, "dynatempExponent": 2 }""" },
        { "\"mirostat\":2,\"mirostat_tau\":4", """{ "mirostat": 2, "mirostatTau": 4 }""" },
        { "\"options\":{\"mirostat\":1,\"mirostat_eta\":0.5}", """{ "mirostat": 1, "mirostatEta": 0.5 }""" },
        { "\"mirostat_mode\":1", """{ "mirostat": 1 }""" },
        { "\"encoder_repetition_penalty\":1.5", """{ "encoderRepetitionPenalty": 1.5 }""" },
        { "\"repeat_penalty\":1.5,\"repeat_last_n\":64", """{ "penaltyLastN": 64 }""" },
        { "\"presence_penalty\":1,\"penalty_last_n\":0", """{ "penaltyLastN": 0 }""" },
        { "\"forced_eos_token_id\":7", """{ "forcedEosTokenIds": [ 7 ] }""" },
        { "\"forced_eos_token_id\":[7,8],\"forced_bos_token_id\":9", """{ "forcedBosTokenId": 9, "forcedEosTokenIds": [ 7, 8 ] }""" },
        {
            "\"exponential_decay_length_penalty\":[5,1.25]",
            """{ "exponentialDecayLengthPenalty": { "start": 5, "factor": 1.25 } }"""
        },
        { "\"bad_words_ids\":[[5,6],[7]]", """{ "badWords": [ { "ids": [ 5, 6 ] }, { "ids": [ 7 ] } ] }""" },
        // With a space before it a word of bytes is one token more, and not another first token.
        { "\"bad_words\":[\"ab\"]", """{ "badWords": [ { "ids": [ 97, 98 ] } ] }""" },
        { "\"sequence_bias\":[[[5,6],-2.5]]", """{ "sequenceBias": [ { "ids": [ 5, 6 ], "bias": -2.5 } ] }""" },
        {
            "\"dry_multiplier\":0.5,\"dry_base\":2,\"dry_allowed_length\":3,\"dry_penalty_last_n\":-1,\"dry_sequence_breakers\":[\"ab\"]",
            """
            { "dryMultiplier": 0.5, "dryBase": 2, "dryAllowedLength": 3, "drySequenceBreakers": [ { "ids": [ 97, 98 ] } ] }
            """
        },
        {
            "\"dry_multiplier\":0.5,\"dry_penalty_last_n\":99",
            """
            { "dryMultiplier": 0.5, "dryPenaltyLastN": 99, "drySequenceBreakers":
              [ { "ids": [ 10 ] }, { "ids": [ 58 ] }, { "ids": [ 34 ] }, { "ids": [ 42 ] } ] }
            """
        },
        { "\"dry_multiplier\":0.5,\"dry_sequence_breakers\":[]", """{ "dryMultiplier": 0.5 }""" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Post_ASettingUnderAPeersName_ReachesTheGenerator(string fields, string expected)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(Processors.Parser.ParseJson(expected), Assert.Single(host.Generator.Requests).Sampling.Processors);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_EverythingWrong_IsToldAtOnceByItsName()
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host,
            "\"temperature\":101,\"top_n_sigma\":-3,\"top_h\":2,\"epsilon_cutoff\":1,\"eta_cutoff\":-0.5,\"dry_multiplier\":101,"
            + "\"dry_base\":0.5,\"dry_allowed_length\":\"2\",\"dry_sequence_breakers\":[\"\"],\"xtc_probability\":1.5,\"xtc_threshold\":-1,"
            + "\"dynatemp_range\":-1,\"dynatemp_exponent\":101,\"mirostat\":3,\"mirostat_tau\":-1,\"mirostat_eta\":1.5,"
            + "\"bad_words\":[\" \"],\"bad_words_ids\":[[-1]],\"sequence_bias\":[[[5]]],"
            + "\"exponential_decay_length_penalty\":[1],\"prompt_logprobs\":21");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var message = (await ErrorAsync(response)).GetProperty("message").GetString()!;
        string[] fields =
        [
            "temperature", "top_n_sigma", "top_h", "epsilon_cutoff", "eta_cutoff", "dry_multiplier", "dry_base", "dry_allowed_length",
            "dry_sequence_breakers[0]", "xtc_probability", "xtc_threshold", "dynatemp_range", "dynatemp_exponent", "mirostat ",
            "mirostat_tau", "mirostat_eta", "bad_words[0]", "bad_words_ids[0][0]", "sequence_bias[0]", "exponential_decay_length_penalty",
            "prompt_logprobs",
        ];
        Assert.All(fields, field => Assert.Contains(field, message, StringComparison.Ordinal));
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Post_PromptLogprobs_AreThoseOfThePromptOnceForAllChoices()
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, "\"prompt_logprobs\":2,\"n\":3");

        var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        var prompt = "<user>Hi";
        var told = body.GetProperty("prompt_logprobs").EnumerateArray().ToList();
        Assert.Equal(prompt.Length, told.Count);
        Assert.Equal(JsonValueKind.Null, told[0].ValueKind);
        for (var place = 1; place < prompt.Length; place++)
        {
            Assert.Equal((-place, 3, $"{prompt[place]}"), Told(told[place].GetProperty($"{(int)prompt[place]}")));
            Assert.Equal((-0.25, 1, "A"), Told(told[place].GetProperty("65")));
            Assert.Equal(3, told[place].EnumerateObject().Count());
        }

        Assert.Equal([true, false, false], host.Generator.Requests.Select(request => request.Sampling.HasPromptLogprobs).OrderDescending());
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_PromptLogprobsInAStream_AreRefused()
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, "\"prompt_logprobs\":0,\"stream\":true");
        Assert.Equal((HttpStatusCode.BadRequest, "prompt_logprobs"), (
            response.StatusCode, (await ErrorAsync(response)).GetProperty("param").GetString()!));

        using var without = await PostAsync(host, "\"prompt_logprobs\":false");
        Assert.False(JsonDocument.Parse(await without.Content.ReadAsStringAsync()).RootElement.TryGetProperty("prompt_logprobs", out _));
    }

    private static (double Logprob, int Rank, string Text) Told(JsonElement token) => (
        token.GetProperty("logprob").GetDouble(), token.GetProperty("rank").GetInt32(), token.GetProperty("decoded_token").GetString()!);

    private static Task<HttpResponseMessage> PostAsync(GatewayHost host, string fields) => host.Http().PostAsync(
        "/v1/chat/completions", new StringContent($"{{{Messages},{fields}}}", Encoding.UTF8, "application/json"));

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
}
