namespace Parley.ModelHub.Tests;

/// <summary>The variables that the Hub's own tools read mean the same here.</summary>
public sealed class HubSettingsTests
{
    [Fact]
    public void FromEnvironment_OfNothing_IsTheHubAndItsUsualCache()
    {
        var settings = Read(("HOME", "/home/me"));
        Assert.Equal("https://huggingface.co/", settings.Endpoint.AbsoluteUri);
        Assert.Equal("/home/me/.cache/huggingface/hub", settings.CacheFolder);
        Assert.Equal("/home/me/.cache/huggingface/token", settings.TokenPath);
        Assert.Null(settings.Token);
        Assert.False(settings.Offline);
    }

    [Theory]
    [InlineData("/c/hub", "HF_HOME", "/h", "HF_HUB_CACHE", "/c/hub")]
    [InlineData("/h/hub", "HF_HOME", "/h", "XDG_CACHE_HOME", "/x")]
    [InlineData("/x/huggingface/hub", "XDG_CACHE_HOME", "/x", "HF_HOME", "")]
    [InlineData("/old", "HUGGINGFACE_HUB_CACHE", "/old", "HF_HOME", "/h")]
    [InlineData("/home/me/models", "HF_HUB_CACHE", "~/models", "HF_HOME", "/h")]
    public void FromEnvironment_OfFolders_FollowsTheirOrder(string expected, string name1, string value1, string name2, string value2) =>
        Assert.Equal(expected, Read(("HOME", "/home/me"), (name1, value1), (name2, value2)).CacheFolder);

    [Theory]
    [InlineData("1", true)]
    [InlineData("yes", true)]
    [InlineData("True", true)]
    [InlineData("ON", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    [InlineData("off", false)]
    public void FromEnvironment_OfHubOffline_IsReadAsTheHubsToolsDo(string value, bool expected) =>
        Assert.Equal(expected, Read(("HF_HUB_OFFLINE", value)).Offline);

    [Fact]
    public void FromEnvironment_OfAToken_TakesTheVariableBeforeTheFile()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "hf_of_the_file\n");
            Assert.Equal("hf_of_the_file", Read(("HF_TOKEN_PATH", file)).Token);
            Assert.Equal("hf_x", Read(("HF_TOKEN_PATH", file), ("HF_TOKEN", " hf_x\r\n")).Token);
            Assert.Null(Read(("HF_TOKEN_PATH", file), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("HF_ENDPOINT", "huggingface.co")]
    [InlineData("HF_ENDPOINT", "file:///etc")]
    [InlineData("HF_ENDPOINT", "https://user:secret@host")]
    [InlineData("HF_TOKEN", "hf_ä")]
    public void FromEnvironment_OfAVariableThatCannotBeUsed_NamesIt(string name, string value)
    {
        var failure = Assert.Throws<HubException>(() => Read((name, value)));
        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
    }

    private static HubSettings Read(params (string Name, string Value)[] variables) =>
        HubSettings.FromEnvironment(name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
