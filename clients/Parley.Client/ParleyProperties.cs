namespace Parley.Client;

/// <summary>
/// Names of <see cref="Microsoft.Extensions.AI.ChatOptions.AdditionalProperties"/> for what Parley can do beyond
/// <see cref="Microsoft.Extensions.AI.ChatOptions"/>. A number may be of any numeric type, a list any sequence, and each a
/// <see cref="System.Text.Json.JsonElement"/>; null asks for nothing.
/// </summary>
public static class ParleyProperties
{
    /// <summary>Least probability of a token, as a share of the best one's: a number from 0 to 1.</summary>
    public const string MinP = "min_p";

    /// <summary>Mass of the tokens that are about as likely as is typical: a number from 0 to 1.</summary>
    public const string TypicalP = "typical_p";

    /// <summary>Divides the logits of what the text has already: a number above 0.</summary>
    public const string RepetitionPenalty = "repetition_penalty";

    /// <summary>Length of the token runs that may not come twice: a whole number; 0 is off.</summary>
    public const string NoRepeatNgramSize = "no_repeat_ngram_size";

    /// <summary>What is added to a token's logit: a dictionary, or a JSON object, of numbers by token id.</summary>
    public const string LogitBias = "logit_bias";

    /// <summary>The only ids that may be drawn: a list of token ids.</summary>
    public const string AllowedTokenIds = "allowed_token_ids";

    /// <summary>Ids that may not be drawn: a list of token ids.</summary>
    public const string BannedTokenIds = "banned_token_ids";

    /// <summary>Ids that end the answer as an eos id does: a list of token ids.</summary>
    public const string StopTokenIds = "stop_token_ids";

    /// <summary>Tokens before which the answer does not end: a whole number.</summary>
    public const string MinTokens = "min_tokens";

    /// <summary>Whether the model's own end is passed over.</summary>
    public const string IgnoreEos = "ignore_eos";

    /// <summary>Whether the stop sequence that ended the answer is part of it.</summary>
    public const string IncludeStop = "include_stop";

    /// <summary>Whether each token comes with its log-probability, in the raw representation of the updates.</summary>
    public const string Logprobs = "logprobs";

    /// <summary>How many of the likeliest tokens come with theirs as well: a whole number.</summary>
    public const string TopLogprobs = "top_logprobs";

    /// <summary>Higher is served earlier: a whole number; the server's default is 0.</summary>
    public const string Priority = "priority";

    /// <summary>Tokens to guess per step, which changes the speed alone: a whole number; 0 is off.</summary>
    public const string DraftTokens = "draft_tokens";

    /// <summary>Regular expression that the whole answer matches.</summary>
    public const string GuideRegex = "guide_regex";

    /// <summary>Grammar that the whole answer is of.</summary>
    public const string GuideGrammar = "guide_grammar";

    /// <summary>The texts of which the whole answer is one: a list.</summary>
    public const string GuideChoice = "guide_choice";

    /// <summary>
    /// Rarer settings of sampling, e.g. <c>{"top_n_sigma": 1.5, "mirostat": 2}</c>: a JSON object, as text, element, node or dictionary,
    /// with the fields of the contract's <c>Processors</c>.
    /// </summary>
    public const string Processors = "processors";

    /// <summary>
    /// Whether the prompt's own tokens come with their log-probabilities, in the raw representation of the updates, and with how many of
    /// the likeliest in their places: a whole number.
    /// </summary>
    public const string PromptLogprobs = "prompt_logprobs";

    /// <summary>Tokens of reasoning, after which its closing tag is forced: a whole number.</summary>
    public const string ReasoningTokensMax = "reasoning_tokens_max";

    /// <summary>
    /// Of a tool: whether its arguments must meet its schema (true or false). Of a request: whether the objects of the answer's schema
    /// hold no other properties than they name, true unless set; a schema that composes objects (allOf, patternProperties, …) stays as
    /// it is.
    /// </summary>
    public const string Strict = "strict";

    /// <summary>Further variables of the chat template: JSON object, as text, element, node or dictionary.</summary>
    public const string TemplateArguments = "template_arguments";

    /// <summary>Name of the chat template, where the model has several.</summary>
    public const string TemplateName = "template_name";

    /// <summary>Documents that the template reads: a list of JSON objects.</summary>
    public const string Documents = "documents";

    /// <summary>Whether the template opens an answer after the last message.</summary>
    public const string AddGenerationPrompt = "add_generation_prompt";

    /// <summary>Whether the answer goes on where the last message ends.</summary>
    public const string ContinueFinalMessage = "continue_final_message";

    /// <summary>What a special token in a message means: <c>text</c>, <c>parse</c> or <c>reject</c>.</summary>
    public const string SpecialTokensInContent = "special_tokens_in_content";

    /// <summary>The request's id: up to 128 of ASCII letters, digits, and <c>-_.:</c>; the client makes one otherwise.</summary>
    public const string RequestId = "request_id";

    /// <summary>Time for this answer in place of <see cref="ParleyClientOptions.Timeout"/>: a time span, or seconds.</summary>
    public const string Timeout = "timeout";

    /// <summary>Of an answer: the seed that it was drawn with, as <see cref="ulong"/>.</summary>
    public const string Seed = "seed";

    /// <summary>Of an answer: the stop sequence that ended it, where one did.</summary>
    public const string Stop = "stop";

    /// <summary>Of an answer: the token id that ended it, where one did, as <see cref="uint"/>.</summary>
    public const string StopTokenId = "stop_token_id";
}
