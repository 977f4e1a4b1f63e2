using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;
using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests;

/// <summary>
/// Broken and hostile files, templates and ids, the same in every run: each is read or refused with an error that names a place, and
/// nothing else happens.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int TimeoutMs = 120_000;

    private const string Template = """
        {%- set ns = namespace(n=0, last=none) -%}{%- macro say(m, pre='>') -%}{{ pre ~ m.content | trim }}{%- endmacro -%}
        {%- for m in messages if m.role != 'none' -%}{%- if loop.first and m['role'] == 'system' -%}{{ m.content[1:-1] }}
        {%- elif m.tool_calls is defined -%}{{ m.tool_calls | tojson(indent=2) }}{%- else -%}
        {{ say(m, pre=loop.index0 % 2) }}{%- set ns.n = ns.n + m.content | length -%}{%- endif -%}
        {%- if not loop.last -%}{{ ", " }}{%- else -%}{{ m.content.split(' ')[-1].upper() }}{%- endif -%}{%- endfor -%}
        {{ 'a' if ns.n > 3 else [1, 2.5, {'k': (1, none)}] }}{{ range(5) | list | join('-') }}{{ "%s" | format(ns.n) }}
        {% filter upper %}x{% endfilter %}{% set b %}y{% endset %}{{ b * 3 }}{% raw %}{{ z }}{% endraw %}
        {{ messages | map(attribute='role') | unique | list }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}
        {% if add_generation_prompt %}<|assistant|>{% endif %}{{ raise_exception('no') if ns.n > 1000 }}
        """;

    [Fact(Timeout = TimeoutMs)]
    public Task TokenizerJson_MutatedText_IsReadOrRefused() => Task.Run(() =>
    {
        var random = new Random(1);
        var (read, refused) = (0, 0);
        foreach (var json in Configurations().Append(SmallModel.TokenizerJson().ToJsonString()))
        {
            for (var round = 0; round < 150; round++)
            {
                var bytes = Encoding.UTF8.GetBytes(json);
                for (var i = random.Next(1, 4); i > 0; i--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                var length = random.Next(20) == 0 ? random.Next(bytes.Length) : bytes.Length;
                Read(bytes[..length], ref read, ref refused);
            }
        }

        output.WriteLine($"{read} read, {refused} refused");
        Assert.True(refused > 100);
    }, TestContext.Current.CancellationToken);

    [Fact(Timeout = TimeoutMs)]
    public Task TokenizerJson_MutatedValues_AreReadOrRefused() => Task.Run(() =>
    {
        var random = new Random(2);
        var (read, refused) = (0, 0);
        foreach (var json in Configurations().Append(SmallModel.TokenizerJson().ToJsonString()))
        {
            for (var round = 0; round < 150; round++)
            {
                var root = JsonNode.Parse(json)!;
                for (var i = random.Next(1, 3); i > 0; i--)
                    MutateValue(root, random);
                Read(Encoding.UTF8.GetBytes(root.ToJsonString()), ref read, ref refused);
            }
        }

        output.WriteLine($"{read} read, {refused} refused");
        Assert.True(read > 100 && refused > 100);
    }, TestContext.Current.CancellationToken);

    [Fact(Timeout = TimeoutMs)]
    public Task ModelFiles_MutatedBytes_AreReadOrRefused() => Task.Run(() =>
    {
        var random = new Random(3);
        var folder = Directory.CreateTempSubdirectory("parley-tokenizer-");
        var (read, refused) = (0, 0);
        try
        {
            byte[][] files =
            [
                SentencePieceWriter.Write([("<unk>", 0, 2), ("<s>", 0, 3), ("▁a", -1, 1), ("a", -2, 1), ("▁", -3, 1)], 1),
                SentencePieceWriter.Write([("<unk>", 0, 2), ("<s>", 0, 3), ("▁a", -1, 1), ("a", -2, 1), ("▁", -3, 1)], 2, true),
                Encoding.ASCII.GetBytes("IQ== 0\nYQ== 1\nIWE= 2\n"),
            ];
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer_config.json"),
                """{"added_tokens_decoder": {"9": {"content": "<x>", "special": true}}}""");
            for (var round = 0; round < 3_000; round++)
            {
                var bytes = files[round % files.Length].ToArray();
                for (var i = random.Next(1, 4); i > 0; i--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                File.WriteAllBytes(Path.Combine(folder.FullName, "tokenizer.model"), bytes);
                Load(() => TokenizerFile.Load(new ModelFolder(folder.FullName)), ref read, ref refused);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        output.WriteLine($"{read} read, {refused} refused");
        Assert.True(read > 100 && refused > 100);
    }, TestContext.Current.CancellationToken);

    [Fact(Timeout = TimeoutMs)]
    public Task Template_Mutated_RendersOrRefuses() => Task.Run(() =>
    {
        var random = new Random(4);
        var (read, refused) = (0, 0);
        var limits = new TemplateLimits(20_000, 64, 20_000);
        string[] parts = ["{%", "%}", "{{", "}}", "-", "(", ")", "[", "]", "|", ".", "'", "\"", " if ", " for ", " in ", " is ", "endfor",
            "**",             "%", "~", "//", ":", ",", "{#",
            "#}", "\n", "not ", "none", "messages", "ns", "loop", "9999999999999999999", "0", "-1", "1e999",
            "\0", "🦙", " recursive ", "|reverse", "|sort", "|batch(2)", "|round(1)",
            ".format(1)", ".replace('a', 'aa')", "range(99999999)"];
        var chat = new ChatInput(
            [new DictionaryValue([Text("role", "user"), Text("content", "hello there")]),
                new DictionaryValue([Text("role", "assistant"), Text("content", "yes")])],
            NoneValue.Instance, NoneValue.Instance, true, false, []);
        Assert.Contains("<|assistant|>", new ChatTemplate(Template, [], TimeProvider.System, limits).Render(chat).Text);
        for (var round = 0; round < 20_000; round++)
        {
            var source = Template;
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = random.Next(source.Length);
                var length = Math.Min(random.Next(3) == 0 ? random.Next(12) : 0, source.Length - at);
                source = source[..at] + (random.Next(4) == 0 ? "" : parts[random.Next(parts.Length)]) + source[(at + length)..];
            }

            try
            {
                new ChatTemplate(source, [], TimeProvider.System, limits).Render(chat);
                read++;
            }
            catch (TemplateException exception)
            {
                Assert.NotEmpty(exception.Message);
                refused++;
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{exception}\n{source}");
            }
        }

        output.WriteLine($"{read} rendered, {refused} refused");
        Assert.True(read > 1_000 && refused > 1_000);
    }, TestContext.Current.CancellationToken);

    [Fact]
    public void Ids_AnyNumbers_AreDecodedAsFarAsTheyHaveTokens()
    {
        var random = new Random(5);
        var tokens = new HuggingFaceTokenizer(TokenizerFile.Parse(
            Encoding.UTF8.GetBytes(SmallModel.TokenizerJson().ToJsonString()))).Tokens;
        for (var round = 0; round < 3_000; round++)
        {
            var session = new DetokenizeSession(tokens, new TokenizerOptions());
            session.Start(1, new SequenceSettings(["ab", "\n"], SkipSpecialTokens: round % 2 == 0, IncludeStop: false, [], 0));
            var ids = Enumerable.Range(0, random.Next(1, 20))
                .Select(_ => random.Next(30) == 0 ? (uint)random.NextInt64(uint.MaxValue + 1L) : (uint)random.Next(305)).ToArray();
            var update = session.Append(1, ids)!.Value;
            var text = update.Text + (update.IsFinal ? "" : session.End(1)!.Value.Text);
            if (update.Stop is null && !text.Contains('\uFFFD'))
            {
                var known = ids.Where(id => id < tokens.Count).Select(id => (int)id).ToArray();
                Assert.Equal(BatchDecoder.Decode(tokens, known, round % 2 == 0), text);
            }
        }
    }

    private static IEnumerable<string> Configurations() => Fixtures.Golden("configurations.json.gz").EnumerateArray()
        .Where((_, index) => index % 7 == 3).Select(item => item.GetProperty("tokenizer").GetRawText());

    private static KeyValuePair<TemplateValue, TemplateValue> Text(string key, string value) =>
        new(new TextValue(key), new TextValue(value));

    private static void MutateValue(JsonNode root, Random random)
    {
        var node = root;
        while (true)
        {
            // Vocabularies are nearly all of a file; the stages are what is interesting.
            var children = node switch
            {
                JsonObject item => item.Select(pair => (pair.Key, Index: -1, pair.Value)).ToList(),
                JsonArray list => list.Select((value, index) => (Key: "", index, value)).ToList(),
                _ => [],
            };
            if (children.Count == 0)
                return;
            var (key, index, child) = children[random.Next(children.Count)];
            if (child is JsonObject or JsonArray && random.Next(4) != 0)
            {
                node = child;
                continue;
            }

            JsonNode? value = random.Next(10) switch
            {
                0 => null,
                1 => "",
                2 => "<unk>",
                3 => random.Next(-2, 400),
                4 => long.MaxValue,
                5 => 0.5,
                6 => new JsonArray(1, "a"),
                7 => new JsonObject { ["type"] = "Sequence" },
                8 => random.Next(2) == 0,
                _ => "(?<a>\\p{L}+)|[",
            };
            if (node is JsonObject parent)
                parent[key] = value;
            else
                ((JsonArray)node)[index] = value;
            return;
        }
    }

    private static void Read(byte[] bytes, ref int read, ref int refused) =>
        Load(() => TokenizerFile.Parse(bytes), ref read, ref refused);

    private static void Load(Func<TokenizerFile> load, ref int read, ref int refused)
    {
        try
        {
            var tokenizer = new HuggingFaceTokenizer(load());
            var ids = new List<int>();
            tokenizer.Encode("Hello abc  AB 123 你好 🦙 e\u0301<S> \u0001\r\n", UserRanges.None, addSpecialTokens: true, ids);
            foreach (var id in ids.Where(id => id < tokenizer.Tokens.Count))
                tokenizer.Tokens.Bytes(id);
            var text = new ArrayBufferWriter<char>();
            var decoder = new IncrementalDecoder(tokenizer.Tokens, skipSpecialTokens: false, runBytesMax: 8);
            for (var id = 0; id < Math.Min(tokenizer.Tokens.Count, 500); id++)
                decoder.Append(id, text);
            decoder.Flush(text);
            read++;
        }
        catch (InvalidDataException exception)
        {
            Assert.Contains("token", exception.Message);
            refused++;
        }
    }
}
