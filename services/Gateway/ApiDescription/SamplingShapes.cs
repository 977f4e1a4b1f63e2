using System.Text.Json.Nodes;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>The fields of <c>OpenAi/SamplingFields</c> and <c>OpenAi/ProcessorFields</c>: how tokens are drawn.</summary>
internal static class SamplingShapes
{
    /// <summary>Tests hold them against what the readers take.</summary>
    public static IEnumerable<Field> Of(GatewayOptions options) => [.. Filters(), .. Counts(), .. Told(options), .. Rare(), .. Lists()];

    private static IEnumerable<Field> Filters() =>
    [
        new("temperature", Number(0, 100), "Divides the logits; 0 takes the likeliest token each time."),
        new("top_p", Number(0, 1), "Keeps the likeliest tokens up to this probability together; 1 is off."),
        new("top_k", Integer(-1, UnsignedMax), "Keeps so many of the likeliest tokens; 0 and -1 are off."),
        new("min_p", Number(0, 1), "Drops tokens less likely than this share of the likeliest; 0 is off."),
        new("typical_p", Number(0, 1), "Keeps the tokens nearest to the expected surprise up to this probability together; 1 is off."),
        new("repetition_penalty", new JsonObject { ["type"] = "number", ["exclusiveMinimum"] = 0, ["maximum"] = 100 },
            "Divides the logits of what the text holds already; 1 is off."),
        new("presence_penalty", Number(-2, 2), "Taken off the logit of each token that the answer holds."),
        new("frequency_penalty", Number(-2, 2), "Taken off the logit of a token once for each time that the answer holds it."),
        new("no_repeat_ngram_size", Unsigned(), "No run of so many tokens occurs twice; 0 is off."),
        new("logit_bias", Biases(), "Added to the logits of tokens, by token id."),
        new("seed", Integer(long.MinValue, ulong.MaxValue), "The same request with the same seed has the same answer; 64 bits."),
        new("do_sample", Flag(), "False takes the likeliest token each time; true draws where nothing else says how."),
    ];

    private static IEnumerable<Field> Counts() =>
    [
        new("max_tokens", Limit(), "Tokens of the answer, at least 1; -1 is as many as the context holds."),
        new("min_tokens", Unsigned(), "No end before so many tokens; at most max_tokens."),
        new("ignore_eos", Flag(), "Goes on where the model would end."),
        new("stop_token_ids", Ids(), "Tokens that end the answer."),
        new("allowed_token_ids", Ids(), "Only these are drawn; empty is all."),
        new("banned_token_ids", Ids(), "These are never drawn."),
        new("priority", Integer(int.MinValue, int.MaxValue), "Class in the queue, higher is earlier; not above that of the key."),
        new("service_tier", Any(), "`flex` waits behind others, `priority` goes before them; everything else is as it is."),
        new("draft_tokens", Unsigned(), "Tokens drafted and checked in a step: faster, the same answer; 0 is off."),
        new("prediction", Any(), "Asks for as many drafts as the server takes: faster, the same answer."),
        new("best_of", Integer(1), "1, or as many as n."),
        new("penalize_nl", Any(), "Line breaks are under the penalties like all else: false is refused where one is on."),
        new("penalize_newline", Any(), "Another name of `penalize_nl`."),
    ];

    private static IEnumerable<Field> Told(GatewayOptions options) =>
    [
        new("logprobs", AnyOf(Flag(), Constant(0)), "Tells the log-probability of each token."),
        new("top_logprobs", Integer(0, options.TopLogprobsMax), "Likeliest tokens told at each place; needs logprobs."),
        new("prompt_logprobs", AnyOf(Integer(0, options.TopLogprobsMax), Constant(false)),
            "Likeliest tokens told at each place of the prompt, with those that stand there; not with stream."),
    ];

    private static IEnumerable<Field> Rare() =>
    [
        new("top_n_sigma", AnyOf(Number(0, 100), Constant(-1)),
            "Keeps tokens within so many standard deviations of the best; 0 and -1 are off."),
        new("top_h", Number(0, 1), "Keeps the likeliest tokens up to this share of the entropy."),
        new("epsilon_cutoff", Number(0, 0.9999), "Drops tokens less likely than this."),
        new("eta_cutoff", Number(0, 0.9999), "The same, by the entropy."),
        new("encoder_repetition_penalty", Number(0.01, 100), "Favours (above 1) the tokens of the prompt."),
        new("dry_multiplier", Number(0, 100), "Penalty of repeated runs; 0 is off, and what else begins with dry_ with it."),
        new("dry_base", Number(1, 100), "How steeply it grows with the run's length."),
        new("dry_allowed_length", Integer(0, 1024), "Runs up to this length are free."),
        new("dry_penalty_last_n", Integer(-1, UnsignedMax), "Tokens looked back over; -1 is all."),
        new("xtc_probability", Number(0, 1), "How often all but the last of the likely tokens are dropped; 0 is off."),
        new("xtc_threshold", Number(0, 1), "What is likely in that sense."),
        new("dynatemp_range", Number(0, 100), "Lets the temperature follow the entropy, this far; 0 is off."),
        new("dynatemp_exponent", Number(0, 100), "How it follows."),
        new("mirostat", Integer(0, 2), "Version of Mirostat; 0 is off."),
        new("mirostat_tau", Number(0, 100), "The surprise that it aims at."),
        new("mirostat_eta", Number(0, 1), "How quickly it learns."),
        new("repeat_last_n", Integer(-1, UnsignedMax), "Tokens that the penalties look back over; -1 is all."),
        new("forced_bos_token_id", Unsigned(), "The answer's first token."),
    ];

    private static IEnumerable<Field> Lists() =>
    [
        new("forced_eos_token_id", AnyOf(Unsigned(), Ids()), "The answer's last token where max_tokens ends it."),
        new("exponential_decay_length_penalty", Pair(Unsigned(), Number(0.01, 100)),
            "Tokens, and the factor by which an end grows likelier after them."),
        new("bad_words", List(Sized(1, 256), most: 64), "Texts that do not occur."),
        new("bad_words_ids", List(Ids()), "Runs of token ids that do not occur."),
        new("sequence_bias", List(Pair(Ids(), Number())), "Added to the logit that ends a run of token ids."),
        new("dry_sequence_breakers", List(Sized(1, 40), most: 32), "Texts at which repeated runs begin anew."),
    ];

    private static JsonObject Biases()
    {
        var schema = Map(Number(-100, 100));
        schema["propertyNames"] = new JsonObject { ["pattern"] = "^[0-9]+$" };
        return schema;
    }

    /// <summary>Two things in an array.</summary>
    private static JsonObject Pair(JsonObject first, JsonObject second) => new()
    {
        ["type"] = "array",
        ["prefixItems"] = new JsonArray(first, second),
        ["items"] = false,
        ["minItems"] = 2,
    };
}
