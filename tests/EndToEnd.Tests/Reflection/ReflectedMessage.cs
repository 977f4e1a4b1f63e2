using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Parley.EndToEnd.Tests.Reflection;

/// <summary>
/// Messages between JSON and the wire by descriptors alone, as tools do it that have no generated types. A name that the descriptor does
/// not have, a value of another kind and a number on the wire that it does not know are all faults.
/// </summary>
internal static class ReflectedMessage
{
    public static byte[] Encode(JsonElement json, MessageDescriptor type)
    {
        using var buffer = new MemoryStream();
        using (var output = new CodedOutputStream(buffer, leaveOpen: true))
        {
            foreach (var member in json.EnumerateObject())
            {
                var field = type.Fields.InDeclarationOrder().FirstOrDefault(one => one.JsonName == member.Name || one.Name == member.Name)
                    ?? throw new InvalidDataException($"{type.FullName} has no {member.Name}.");
                if (field.IsMap)
                    throw new NotSupportedException($"{field.FullName} is a map.");
                foreach (var value in field.IsRepeated ? [.. member.Value.EnumerateArray()] : (JsonElement[])[member.Value])
                    Write(output, field, value);
            }
        }

        return buffer.ToArray();
    }

    public static JsonObject Decode(byte[] bytes, MessageDescriptor type)
    {
        var (message, input) = (new JsonObject(), new CodedInputStream(bytes));
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            var field = type.FindFieldByNumber(WireFormat.GetTagFieldNumber(tag))
                ?? throw new InvalidDataException($"{type.FullName} describes no field {WireFormat.GetTagFieldNumber(tag)}.");
            if (!field.IsRepeated)
            {
                message[field.JsonName] = Read(input, field);
                continue;
            }

            var list = (JsonArray)(message[field.JsonName] ??= new JsonArray());
            var isPacked = WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited
                && field.FieldType is not (FieldType.String or FieldType.Bytes or FieldType.Message);
            if (!isPacked)
            {
                list.Add(Read(input, field));
                continue;
            }

            var packed = input.ReadBytes().CreateCodedInput();
            while (!packed.IsAtEnd)
                list.Add(Read(packed, field));
        }

        return message;
    }

    private static void Write(CodedOutputStream output, FieldDescriptor field, JsonElement value)
    {
        switch (field.FieldType)
        {
            case FieldType.String:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteString(value.GetString());
                break;
            case FieldType.Message:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(Encode(value, field.MessageType)));
                break;
            case FieldType.Bool:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteBool(value.GetBoolean());
                break;
            case FieldType.UInt32 or FieldType.UInt64:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                // 64 bits may stand in a text.
                output.WriteUInt64(value.ValueKind == JsonValueKind.String
                    ? ulong.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetUInt64());
                break;
            case FieldType.Int32 or FieldType.Int64:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteInt64(value.GetInt64());
                break;
            case FieldType.Float:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed32);
                output.WriteFloat(value.GetSingle());
                break;
            case FieldType.Enum:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteEnum(field.EnumType.FindValueByName(value.GetString()!)?.Number
                    ?? throw new InvalidDataException($"{field.EnumType.FullName} has no {value}."));
                break;
            default:
                throw new NotSupportedException($"{field.FullName} is of the type {field.FieldType}.");
        }
    }

    private static string NameOf(EnumDescriptor type, int number) =>
        type.FindValueByNumber(number)?.Name ?? throw new InvalidDataException($"{type.FullName} describes no {number}.");

    private static JsonNode? Read(CodedInputStream input, FieldDescriptor field) => field.FieldType switch
    {
        FieldType.String => input.ReadString(),
        FieldType.Bytes => input.ReadBytes().ToBase64(),
        FieldType.Message => Decode(input.ReadBytes().ToByteArray(), field.MessageType),
        FieldType.Bool => input.ReadBool(),
        FieldType.UInt32 => input.ReadUInt32(),
        FieldType.UInt64 => input.ReadUInt64(),
        FieldType.Int32 => input.ReadInt32(),
        FieldType.Int64 => input.ReadInt64(),
        FieldType.Float => input.ReadFloat(),
        FieldType.Double => input.ReadDouble(),
        FieldType.Enum => NameOf(field.EnumType, input.ReadEnum()),
        _ => throw new NotSupportedException($"{field.FullName} is of the type {field.FieldType}."),
    };
}
