using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer;

/// <summary>Everything of one model that this service works with, loaded once.</summary>
internal sealed class TokenizerModel
{
    private const string DefaultTemplate = "default";
    private const string ToolTemplate = "tool_use";

    private readonly IReadOnlyDictionary<string, LoadedTemplate> _templates;
    private readonly IReadOnlyDictionary<ChatTemplate, AddedTokenMatcher> _controls;

    private TokenizerModel(
        string name, string sha256, HuggingFaceTokenizer tokenizer, SpecialTokens specialTokens,
            IReadOnlyDictionary<string, LoadedTemplate> templates, IReadOnlyDictionary<ChatTemplate, AddedTokenMatcher> controls)
    {
        (Name, Sha256, Tokenizer, SpecialTokens) = (name, sha256, tokenizer, specialTokens);
        (_templates, _controls) = (templates, controls);
        Overlaps = new OverlapSearch(tokenizer);
    }

    public string Name { get; }

    /// <summary>SHA-256 of tokenizer.json or of the file in its place, lower-case hexadecimal.</summary>
    public string Sha256 { get; }

    public HuggingFaceTokenizer Tokenizer { get; }

    public OverlapSearch Overlaps { get; }

    public TokenTable Tokens => Tokenizer.Tokens;

    public SpecialTokens SpecialTokens { get; }

    /// <summary>How an answer becomes a message, as JSON, or empty.</summary>
    public string ResponseTemplateJson { get; private init; } = "";

    /// <summary>The source of the template that a chat with tools takes unasked, or empty.</summary>
    public string ChatTemplateSource { get; private init; } = "";

    public IReadOnlyCollection<string> TemplateNames => [.. _templates.Keys];

    /// <summary>Whether the template that a chat with tools takes unasked reads them.</summary>
    public bool ReadsTools =>
        (_templates.GetValueOrDefault(ToolTemplate) ?? _templates.GetValueOrDefault(DefaultTemplate))?.ReadsTools ?? false;

    /// <summary>Loads a folder.</summary>
    /// <exception cref="InvalidDataException">A file is missing or broken, or asks for something that is not supported.</exception>
    public static TokenizerModel Load(TokenizerOptions options, TimeProvider clock)
    {
        var folder = new ModelFolder(options.PackageDirectory);
        var file = TokenizerFile.Load(folder);
        var tokenizer = CreateTokenizer(file);
        var specialTokens = SpecialTokens.Read(folder, tokenizer.Tokens);
        var limits = new TemplateLimits(options.TemplateStepsMax, options.TemplateDepthMax, options.TextCharactersMax);
        var controls = new Dictionary<ChatTemplate, AddedTokenMatcher>();
        var controlTokens = new TokenizerConfiguration(folder).ChatControlTokens;
        var templates = new Dictionary<string, LoadedTemplate>(StringComparer.Ordinal);
        var sources = folder.ReadTemplates();
        foreach (var (name, (source, place)) in sources)
        {
            try
            {
                var template = new ChatTemplate(source, specialTokens.Named, clock, limits);
                templates.Add(name, LoadedTemplate.Create(template));
                controls.Add(template, tokenizer.FindControls(template.Texts, controlTokens));
            }
            catch (TemplateException exception)
            {
                throw new InvalidDataException($"{place} is no template: {exception.Message}", exception);
            }
        }

        var names = options.ModelName.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new TokenizerModel(names.Length > 0 ? names[0] : folder.Name, file.Sha256, tokenizer, specialTokens, templates, controls)
        {
            ResponseTemplateJson = folder.ReadResponseTemplate(),
            ChatTemplateSource = sources.TryGetValue(ToolTemplate, out var forTools) ? forTools.Source
                : sources.TryGetValue(DefaultTemplate, out var usual) ? usual.Source : "",
        };
    }

    /// <summary>The tokens that users may not say by spelling them out in a chat that this template writes.</summary>
    public AddedTokenMatcher ControlsOf(LoadedTemplate template) => _controls[template.Template];

    private static HuggingFaceTokenizer CreateTokenizer(TokenizerFile file)
    {
        try
        {
            return new HuggingFaceTokenizer(file);
        }
        catch (TextLimitException exception)
        {
            // Added tokens are normalized as the text is.
            throw new InvalidDataException($"{TokenizerFile.FileName}: added_tokens: {exception.Message}", exception);
        }
    }

    /// <summary>The template for a chat: the one asked for, else that for tools where a list of tools is given, else the default.</summary>
    /// <exception cref="RequestException">There is none.</exception>
    public LoadedTemplate FindTemplate(string name, bool hasTools)
    {
        if (_templates.Count == 0)
            throw new RequestException("chat", $"The model {Name} has no chat template; use Encode with the whole text.");
        if (name.Length > 0)
        {
            return _templates.TryGetValue(name, out var named)
                ? named
                : throw new RequestException("chat.template_name",
                    $"There is no template \"{name}\"; there are: {string.Join(", ", _templates.Keys)}.");
        }

        if (hasTools && _templates.TryGetValue(ToolTemplate, out var forTools))
            return forTools;
        return _templates.TryGetValue(DefaultTemplate, out var template)
            ? template
            : throw new RequestException("chat.template_name",
                $"The model has no default template; name one of: {string.Join(", ", _templates.Keys)}.");
    }
}
