namespace Parley.Tokenizer.Templating;

/// <summary>A model's chat template, with what is known of how it reads messages.</summary>
internal sealed record LoadedTemplate(ChatTemplate Template, ContentForms Forms)
{
    public static LoadedTemplate Create(ChatTemplate template) => new(template, ContentForms.Detect(template));

    /// <inheritdoc cref="ChatTemplate.ReadsTools"/>
    public bool ReadsTools => Template.ReadsTools;

    /// <inheritdoc cref="ChatTemplate.Render"/>
    public RenderedChat Render(ChatInput chat) => Template.Render(Forms.Adapt(chat));
}
