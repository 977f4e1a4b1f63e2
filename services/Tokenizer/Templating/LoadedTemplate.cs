using Parley.Tokenizer.Encoders;

namespace Parley.Tokenizer.Templating;

/// <summary>A model's chat template, with what is known of how it reads messages.</summary>
/// <param name="Template">The template.</param>
/// <param name="Forms">In which form it reads contents.</param>
/// <param name="Controls">The tokens that users may not say by spelling them out.</param>
internal sealed record LoadedTemplate(ChatTemplate Template, ContentForms Forms, AddedTokenMatcher Controls)
{
    public static LoadedTemplate Create(ChatTemplate template, AddedTokenMatcher controls) =>
        new(template, ContentForms.Detect(template), controls);

    /// <inheritdoc cref="ChatTemplate.ReadsTools"/>
    public bool ReadsTools => Template.ReadsTools;

    /// <inheritdoc cref="ChatTemplate.Render"/>
    public RenderedChat Render(ChatInput chat) => Template.Render(Forms.Adapt(chat));
}
