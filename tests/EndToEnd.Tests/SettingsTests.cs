using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.Gateway;
using Parley.Generator;
using Parley.ServiceDefaults;
using Parley.ServiceDefaults.Settings;
using Parley.Tokenizer;

namespace Parley.EndToEnd.Tests;

/// <summary>Every setting of every service: bounded, named when it is wrong, and known by name.</summary>
public sealed class SettingsTests
{
    private static readonly Type[] Sections =
    [
        .. new[] { typeof(GeneratorRegistration), typeof(GatewayRegistration), typeof(TokenizerRegistration), typeof(ServiceHost) }
            .SelectMany(type => type.Assembly.GetTypes())
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && SectionOf(type) is not null),
    ];

    /// <summary>Stands for a name that the settings choose.</summary>
    private const string AnyName = "any";

    public static TheoryData<string, string> Numbers => Settings(setting => IsNumber(setting.Type));

    public static TheoryData<string, string> Names => Settings(setting => setting.Type.IsEnum);

    [Fact]
    public void Sections_OfTheServices_AreFound()
    {
        Assert.Superset(new HashSet<string?> { "Generator", "Gateway", "Tokenizer", "Telemetry" }, Sections.Select(SectionOf).ToHashSet());
        Assert.True(Numbers.Count > 50, $"{Numbers.Count} numbers");
        Assert.Contains(Numbers, row => row.Data == ("Gateway", $"Limits:{AnyName}:TokensPerMinute"));
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Number_OutsideItsRange_IsToldWithNameValueAndRange(string section, string path)
    {
        var (options, owner, setting) = Find(section, path);
        var range = setting.Property.GetCustomAttribute<RangeAttribute>();
        Assert.True(range is not null, $"{section}:{path} has no range.");
        var (least, most) = (Convert.ToDouble(range.Minimum), Convert.ToDouble(range.Maximum));
        var (before, limit) = (setting.Property.GetValue(owner), LimitOf(setting.Type));
        foreach (var outside in new[] { least - 1, most + 1 }.Where(number => number >= limit.Least && number <= limit.Most))
        {
            setting.Property.SetValue(owner, Convert.ChangeType(outside, setting.Type, CultureInfo.InvariantCulture));

            var fault = Assert.Single(SettingValues.Faults(options, section), fault =>
                fault.StartsWith($"{section}:{path} is ", StringComparison.Ordinal));

            var digits = fault.Replace(",", "", StringComparison.Ordinal);
            Assert.Contains($" is {outside.ToString(CultureInfo.InvariantCulture)};", digits);
            Assert.EndsWith(FormattableString.Invariant($"it goes from {least} to {most}."), digits);
        }

        setting.Property.SetValue(owner, before);
        Assert.DoesNotContain(SettingValues.Faults(options, section), fault =>
            fault.StartsWith($"{section}:{path} is ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Name_ThatThereIsNot_IsToldWithThoseThatAre(string section, string path)
    {
        var (options, owner, setting) = Find(section, path);
        setting.Property.SetValue(owner, Enum.ToObject(setting.Type, 99));

        var fault = Assert.Single(SettingValues.Faults(options, section), fault => fault.Contains(path, StringComparison.Ordinal));

        Assert.Equal($"{section}:{path} is 99; it is one of {string.Join(", ", Enum.GetNames(setting.Type))}.", fault);
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Text_WhereANumberIsMeant_IsToldWithTheRange(string section, string path)
    {
        var type = Sections.Single(type => SectionOf(type) == section);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"{section}:{path}", "12x")]).Build();

        var fault = Assert.Throws<OptionsValidationException>(() => SettingTexts.Require(type, configuration.GetSection(section)));

        Assert.StartsWith($"{section}:{path} is '12x'; it goes from ", Assert.Single(fault.Failures));
    }

    [Fact]
    public void Key_FromTheEnvironment_IsToldWithItsVariable()
    {
        const string variable = "Gateway__ApiKeyPath";
        Environment.SetEnvironmentVariable(variable, "secret-value");
        try
        {
            var configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();

            var fault = Assert.Single(SettingKeys.Faults(typeof(GatewayOptions), "Gateway", configuration));

            Assert.StartsWith($"Gateway:ApiKeyPath is no setting of Parley (environment variable {variable}); the nearest are ", fault);
            Assert.Contains("Gateway:ApiKeyFile", fault);
            Assert.DoesNotContain("secret-value", fault);
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Fact]
    public void Key_FromAFile_IsToldWithItsName()
    {
        using var json = new MemoryStream("""{ "Gateway": { "CorsOrigins": ["https://a"], "CorsOrigin": "https://b" } }"""u8.ToArray());
        var configuration = new ConfigurationBuilder().AddJsonStream(json).Build();

        var fault = Assert.Single(SettingKeys.Faults(typeof(GatewayOptions), "Gateway", configuration));

        Assert.Contains("Gateway:CorsOrigin is no setting", fault);
        Assert.Contains("the nearest are Gateway:CorsOrigins", fault);
    }

    [Fact]
    public void Keys_OfAListByNumberOrText_AreKnown()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Gateway:CorsOrigins:0", "https://a"), new("Gateway:ExtraRoles:0", "ipython"), new("gateway:apikey", "k"),
        ]).Build();

        Assert.Empty(SettingKeys.Faults(typeof(GatewayOptions), "Gateway", configuration));
    }

    [Fact]
    public void Settings_OfAService_AreAllToldAtOnce()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Gateway:TokenizerAddress", "http://t"), new("Gateway:GeneratorAddress", ""), new("Gateway:StopsMax", "5000"),
            new("Gateway:StopMax", "5"),
        ]).Build();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration);
        services.AddSettings<GatewayOptions>("Gateway");
        using var provider = services.BuildServiceProvider();

        var fault = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IOptions<GatewayOptions>>().Value);

        Assert.Equal(3, fault.Failures.Count());
        Assert.Contains("Gateway:GeneratorAddress is not set.", fault.Failures);
        Assert.Contains("Gateway:StopsMax is 5,000; it goes from 0 to 1,000.", fault.Failures);
        Assert.Contains(fault.Failures, failure => failure.StartsWith("Gateway:StopMax is no setting of Parley", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Service_WithAMistypedVariable_EndsWithItsName()
    {
        var variables = new Dictionary<string, string> { ["Parley__Hots"] = "0.0.0.0", ["PARLEY_PORT"] = "tcp://10.0.0.1:5080" };
        using var process = ServiceProcess.Start("Tokenizer", Path.GetTempPath(), variables);

        var (code, output) = await process.ExitAsync();

        Assert.Equal(1, code);
        Assert.Contains(
            "error: Parley:Hots is no setting of Parley (environment variable Parley__Hots); the nearest are Parley:Host, ", output);
    }

    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("Same", "sAME", 0)]
    public void Distance_BetweenNames_IsLevenshteins(string first, string second, int expected)
    {
        Assert.Equal(expected, EditDistance.Between(first, second));
        Assert.Equal(expected, EditDistance.Between(second, first));
    }

    private static TheoryData<string, string> Settings(Func<SettingProperty, bool> isMeant)
    {
        var data = new TheoryData<string, string>();
        foreach (var type in Sections)
        {
            foreach (var (path, setting) in Walk(type, ""))
            {
                if (isMeant(setting))
                    data.Add(SectionOf(type)!, path);
            }
        }

        return data;
    }

    private static IEnumerable<(string Path, SettingProperty Setting)> Walk(Type options, string prefix) =>
        SettingProperty.Of(options).SelectMany(setting => setting.IsSection
            ? Walk(setting.Type, $"{prefix}{setting.Name}:")
            : setting.NamedOptions is { } named ? Walk(named, $"{prefix}{setting.Name}:{AnyName}:") : [(prefix + setting.Name, setting)]);

    private static (object Options, object Owner, SettingProperty Setting) Find(string section, string path)
    {
        var options = Activator.CreateInstance(Sections.Single(type => SectionOf(type) == section))!;
        var owner = options;
        var parts = path.Split(':');
        foreach (var part in parts[..^1])
        {
            if (owner is IDictionary named)
                named[part] = Activator.CreateInstance(named.GetType().GetGenericArguments()[1]);
            owner = owner is IDictionary filled ? filled[part]! : owner.GetType().GetProperty(part)!.GetValue(owner)!;
        }

        return (options, owner, new SettingProperty(owner.GetType().GetProperty(parts[^1])!));
    }

    private static string? SectionOf(Type type) =>
        (type.GetField("SectionName") ?? type.GetField("Section")) is { IsLiteral: true } field
            ? (string)field.GetRawConstantValue()! : null;

    private static bool IsNumber(Type type) => type == typeof(int) || type == typeof(long) || type == typeof(double)
        || type == typeof(float);

    private static (double Least, double Most) LimitOf(Type type) =>
        type == typeof(int) ? (int.MinValue, int.MaxValue) : (-1e15, 1e15);
}
