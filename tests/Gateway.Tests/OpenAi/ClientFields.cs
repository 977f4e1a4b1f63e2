using System.ClientModel.Primitives;
using System.Collections;
using System.Reflection;
using System.Text.Json;
using OpenAI.Chat;
using OpenAI.Responses;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>
/// The fields that OpenAI's .NET client can send: each property of a type of requests is set by itself, and what is then written more than
/// without is its field.
/// </summary>
internal static class ClientFields
{
    /// <summary>A value of each kind of property; a kind that is new in the client has none here, and the test says which.</summary>
    private static readonly Dictionary<Type, object> Samples = new()
    {
        [typeof(bool)] = true,
        [typeof(int)] = 3,
        [typeof(long)] = 5L,
        [typeof(float)] = 0.5f,
        [typeof(string)] = "x",
        [typeof(ChatToolChoice)] = ChatToolChoice.CreateAutoChoice(),
#pragma warning disable CS0618 // What is obsolete in the client is sent all the same.
        [typeof(ChatFunctionChoice)] = ChatFunctionChoice.CreateNamedChoice("f"),
        [typeof(ChatFunction)] = new ChatFunction("f"),
#pragma warning restore CS0618
        [typeof(ChatTool)] = ChatTool.CreateFunctionTool("f"),
        [typeof(ChatResponseFormat)] = ChatResponseFormat.CreateJsonObjectFormat(),
        [typeof(ChatAudioOptions)] = new ChatAudioOptions(ChatOutputAudioVoice.Alloy, ChatOutputAudioFormat.Wav),
        [typeof(ChatOutputPrediction)] = ChatOutputPrediction.CreateStaticContentPrediction("x"),
        [typeof(ChatResponseModalities)] = ChatResponseModalities.Text,
        [typeof(ChatWebSearchOptions)] = new ChatWebSearchOptions(),
        [typeof(ResponseToolChoice)] = ResponseToolChoice.CreateAutoChoice(),
        [typeof(ResponseItem)] = ResponseItem.CreateUserMessageItem("x"),
        [typeof(ResponseTool)] = ResponseTool.CreateFunctionTool("f", BinaryData.FromString("{}"), false),
        [typeof(ResponseReasoningSummaryVerbosity)] = ResponseReasoningSummaryVerbosity.Detailed,
        [typeof(ResponseTextFormat)] = ResponseTextFormat.CreateJsonObjectFormat(),
        [typeof(ResponseConversationOptions)] = new ResponseConversationOptions("conv_1"),
    };

    private static readonly Dictionary<string, string> CompletionSamples = new()
    {
        ["best_of"] = "2",
        ["echo"] = "true",
        ["frequency_penalty"] = "0.5",
        ["logit_bias"] = "{\"5\":1}",
        ["logprobs"] = "3",
        ["max_tokens"] = "3",
        ["model"] = "\"fake\"",
        ["n"] = "2",
        ["presence_penalty"] = "0.5",
        ["prompt"] = "[\"Hi\",\"Ho\"]",
        ["seed"] = "5",
        ["stop"] = "[\"x\"]",
        ["stream"] = "true",
        ["stream_options"] = "{\"include_usage\":true}",
        ["suffix"] = "\"x\"",
        ["temperature"] = "0.5",
        ["top_p"] = "0.5",
        ["user"] = "\"x\"",
    };

    /// <summary>Whose own properties are fields of their own.</summary>
    private static readonly Type[] Nested = [typeof(ResponseReasoningOptions), typeof(ResponseTextOptions)];

    /// <summary>Field by field, the JSON that the client writes for it: name, and the body's members.</summary>
    public static IEnumerable<(string Name, string Members)> Of<T>()
        where T : class, IJsonModel<T>, new()
    {
        var without = Written(new T());
        foreach (var property in Properties(typeof(T)))
        {
            foreach (var (nested, set) in Setters(property))
            {
                var options = new T();
                set(options);
                var added = Written(options).Where(member => !without.TryGetValue(member.Key, out var old) || old != member.Value).ToList();
                Assert.True(added.Count == 1, $"{property.Name} writes {added.Count} fields: {string.Join(", ", added)}");
                yield return (NameOf(added[0], nested), $"\"{added[0].Key}\":{added[0].Value}");
            }
        }
    }

    /// <summary>Those of a completion, whose type the client keeps to itself: by name, with a value of ours.</summary>
    public static IEnumerable<(string Name, string Members)> OfCompletions()
    {
        var type = typeof(ChatClient).Assembly.GetType("OpenAI.LegacyCompletions.InternalCreateCompletionRequest");
        Assert.True(type is not null, "the client's request of a completion has another name");
        foreach (var property in Properties(type))
        {
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            Assert.True(CompletionSamples.TryGetValue(name, out var sample), $"There is no sample for a completion's {name}.");
            yield return (name, $"\"{name}\":{sample}");
        }
    }

    private static IEnumerable<PropertyInfo> Properties(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.PropertyType is { IsByRef: false });

    private static IEnumerable<(bool Nested, Action<object> Set)> Setters(PropertyInfo property)
    {
        if (!Nested.Contains(property.PropertyType))
        {
            yield return (false, target => Set(property, target));
            yield break;
        }

        foreach (var inner in Properties(property.PropertyType))
        {
            yield return (true, target =>
            {
                var value = Activator.CreateInstance(property.PropertyType)!;
                Set(inner, value);
                property.SetValue(target, value);
            }
            );
        }
    }

    private static void Set(PropertyInfo property, object target)
    {
        var type = property.PropertyType;
        var value = property.GetValue(target);
        if (value is IDictionary<string, string> texts)
            texts["a"] = "b";
        else if (value is IDictionary<int, int> numbers)
            numbers[5] = 1;
        else if (value is IList list && type.IsGenericType)
            list.Add(Sample(type.GetGenericArguments()[0], property));
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IList<>))
            value!.GetType().GetMethod("Add")!.Invoke(value, [Sample(type.GetGenericArguments()[0], property)]);
        else
            property.SetValue(target, Sample(Nullable.GetUnderlyingType(type) ?? type, property));
    }

    /// <summary>A value of a kind; of those that are words with names of their own, the first.</summary>
    private static object Sample(Type type, PropertyInfo property)
    {
        if (Samples.TryGetValue(type, out var sample))
            return sample;
        var word = type.IsValueType
            ? type.GetProperties(BindingFlags.Public | BindingFlags.Static).FirstOrDefault(one => one.PropertyType == type) : null;
        Assert.True(word is not null, $"There is no sample for {type.Name} of {property.DeclaringType!.Name}.{property.Name}.");
        return word.GetValue(null)!;
    }

    private static string NameOf(KeyValuePair<string, string> member, bool nested)
    {
        if (!nested)
            return member.Key;
        using var inner = JsonDocument.Parse(member.Value);
        return $"{member.Key}.{inner.RootElement.EnumerateObject().Single().Name}";
    }

    private static Dictionary<string, string> Written<T>(T options)
        where T : IJsonModel<T>
    {
        using var json = JsonDocument.Parse(ModelReaderWriter.Write(options));
        return json.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetRawText());
    }
}
