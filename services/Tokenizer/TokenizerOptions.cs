using System.ComponentModel.DataAnnotations;
using Parley.Tokenizer.Templating;

namespace Parley.Tokenizer;

/// <summary>The service's settings, configuration section <c>Tokenizer</c>.</summary>
internal sealed class TokenizerOptions
{
    public const string Section = "Tokenizer";

    /// <summary>The Hugging Face folder or model package to serve.</summary>
    /// <value>No default: it must name an existing folder.</value>
    [Required(AllowEmptyStrings = false, ErrorMessage = "Tokenizer:PackageDirectory is not set: give the folder of a model.")]
    public string PackageDirectory { get; set; } = "";

    /// <summary>Served name, as Describe tells it; what follows a comma is for the services that look at a request's model.</summary>
    /// <value>Empty, the default, is the package's or the folder's own name.</value>
    public string ModelName { get; set; } = "";

    /// <summary>What a special token inside a message's content means when a request does not say.</summary>
    /// <value>Default Text: a user cannot forge a turn.</value>
    [EnumDataType(typeof(SpecialTokenHandling))]
    public SpecialTokenHandling SpecialTokensInContent { get; set; } = SpecialTokenHandling.Text;

    /// <summary>The longest text that is encoded, in UTF-16 code units; also the longest that a template may write.</summary>
    /// <value>Default 4,194,304; range 1 to 67,108,864.</value>
    [Range(1, 1 << 26)]
    public int TextCharactersMax { get; set; } = 1 << 22;

    /// <summary>The most ids that one Decode call reads.</summary>
    /// <value>Default 1,048,576; range 1 to 16,777,216.</value>
    [Range(1, 1 << 24)]
    public int DecodeTokensMax { get; set; } = 1 << 20;

    /// <summary>The most messages of a chat.</summary>
    /// <value>Default 4,096; range 1 to 1,000,000.</value>
    [Range(1, 1_000_000)]
    public int MessagesMax { get; set; } = 4096;

    /// <summary>The most tools, documents and template arguments of a chat, and tool calls of a message, each counted apart.</summary>
    /// <value>Default 4,096; range 1 to 1,000,000.</value>
    [Range(1, 1_000_000)]
    public int ChatItemsMax { get; set; } = 4096;

    /// <summary>The most steps that a template may take for one chat.</summary>
    /// <value>Default 2,000,000; range 1,000 to 1,000,000,000.</value>
    [Range(1_000, 1_000_000_000)]
    public int TemplateStepsMax { get; set; } = 2_000_000;

    /// <summary>The deepest nesting of a template's expressions and calls, and of the JSON it is given.</summary>
    /// <value>Default 128; range 16 to 1,000.</value>
    [Range(16, 1_000)]
    public int TemplateDepthMax { get; set; } = 128;

    /// <summary>The most stop strings of a sequence.</summary>
    /// <value>Default 32; range 1 to 1,024.</value>
    [Range(1, 1024)]
    public int StopCountMax { get; set; } = 32;

    /// <summary>The longest stop string, in UTF-16 code units.</summary>
    /// <value>Default 512; range 1 to 1,024.</value>
    [Range(1, 1024)]
    public int StopCharactersMax { get; set; } = 512;

    /// <summary>The most texts of a search for overlaps.</summary>
    /// <value>Default 32; range 1 to 1,024.</value>
    [Range(1, 1024)]
    public int OverlapTextsMax { get; set; } = 32;

    /// <summary>The longest text of a search for overlaps, in UTF-16 code units; llama.cpp cuts at as many.</summary>
    /// <value>Default 40; range 1 to 1,024.</value>
    [Range(1, 1024)]
    public int OverlapCharactersMax { get; set; } = 40;

    /// <summary>The most ids that may be given as what stands before a sequence of a detokenize stream.</summary>
    /// <value>Default 4,096; range 64 to 16,777,216.</value>
    [Range(64, 1 << 24)]
    public int PrefixTokensMax { get; set; } = 4096;

    /// <summary>
    /// How many byte tokens in a row a detokenize stream holds back in byte-fallback vocabularies (Llama 2, Mistral, Gemma), until it is
    /// known whether they are valid UTF-8 together: up to this length a stream shows what decoding all ids at once gives. 0 shows every
    /// character as soon as its bytes are there, and differs in malformed runs.
    /// </summary>
    /// <value>Default 64; range 0 to 65,536.</value>
    [Range(0, 65_536)]
    public int ByteRunBytesMax { get; set; } = 64;

    /// <summary>The most sequences that one detokenize stream carries at a time.</summary>
    /// <value>Default 128; range 1 to 65,536.</value>
    [Range(1, 65_536)]
    public int SequencesPerStreamMax { get; set; } = 128;
}
