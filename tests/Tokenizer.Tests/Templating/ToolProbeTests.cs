using Parley.Tokenizer.Templating;

namespace Parley.Tokenizer.Tests.Templating;

public sealed class ToolProbeTests
{
    private const string Messages = "{% for m in messages %}{{ m.content }}{% endfor %}";

    [Theory]
    [InlineData("", false)]
    [InlineData("{# tools #}tools", false)]
    [InlineData("{% if tools is not defined %}{% set tools = none %}{% endif %}", false)]
    [InlineData("{% for m in messages %}{% for call in m.tools %}{{ call }}{% endfor %}{% endfor %}", false)]
    [InlineData("{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}{% set t = tools %}", false)]
    [InlineData("{{ tools | tojson }}", true)]
    [InlineData("{% if tools %}{{ tools[0].function.name }}{% endif %}", true)]
    [InlineData("{% if messages[0].role == 'system' and tools %}tools{% endif %}", true)]
    [InlineData("{% for t in tools or [] %}{{ t }}{% endfor %}", true)]
    [InlineData("{% if tools %}{{ raise_exception('no tools') }}{% endif %}", true)]
    [InlineData("{{ raise_exception('always') if messages | length < 9 }}{{ tools }}", true)]
    public void ReadsTools_Template_IsWhetherTheyChangeWhatItWrites(string template, bool reads)
    {
        var limits = new TemplateLimits(StepsMax: 100_000, DepthMax: 64, CharactersMax: 100_000);

        Assert.Equal(reads, new ChatTemplate(template + Messages, [], TimeProvider.System, limits).ReadsTools);
    }
}
