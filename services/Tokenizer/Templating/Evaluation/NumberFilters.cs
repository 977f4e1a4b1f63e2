using System.Numerics;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's filters that read or make a number.</summary>
internal static class NumberFilters
{
    private static readonly string[] DecimalSizes = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    private static readonly string[] BinarySizes = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

    public static TemplateValue Apply(string name, TemplateValue value, CallArguments arguments)
    {
        switch (name)
        {
            case "abs":
                return value switch
                {
                    FloatValue number => new FloatValue(Math.Abs(number.Value)),
                    IntegerValue or BooleanValue => TemplateValue.Of(BigInteger.Abs(value.ExpectWhole())),
                    UndefinedValue undefined => throw undefined.Fault(),
                    _ => throw TemplateException.Type($"bad operand type for abs(): '{value.TypeName}'"),
                };
            case "round":
                return Round(value, arguments.Find(0, "precision") ?? TemplateValue.Of(0), arguments.Text(1, "method") ?? "common");
            case "float":
                return ToFloat(value) is { } parsed ? new FloatValue(parsed) : arguments.Find(0, "default") ?? new FloatValue(0);
            case "filesizeformat":
                return new TextValue(Size(ToFloat(value) ?? throw TemplateException.Value(
                    $"could not convert to float: {PythonText.Repr(value).Text}"), arguments.Flag(0, "binary", false)));
            default:
                return ToWhole(value, arguments.Find(1, "base") ?? TemplateValue.Of(10)) is { } whole
                    ? TemplateValue.Of(whole)
                    : arguments.Find(0, "default") ?? TemplateValue.Of(0);
        }
    }

    private static double? ToFloat(TemplateValue value) => value switch
    {
        FloatValue or IntegerValue or BooleanValue => PythonNumber.ToDouble(value),
        TextValue text => PythonNumber.ParseDouble(text.Text),
        UndefinedValue undefined => throw undefined.Fault(),
        _ => null,
    };

    private static BigInteger? ToWhole(TemplateValue value, TemplateValue numberBase)
    {
        switch (value)
        {
            case IntegerValue or BooleanValue:
                return value.ExpectWhole();
            case FloatValue { Value: var number }:
                return double.IsNaN(number) ? null : PythonNumber.ToWhole(number);
            case TextValue text:
                var radix = numberBase.IsWhole && numberBase.ExpectWhole() is var given && given >= 0 && given <= 36 && !given.IsOne
                    ? (int)given : -1;
                if (radix >= 0 && PythonNumber.ParseWhole(text.Text, radix) is { } whole)
                    return whole;
                return PythonNumber.ParseDouble(text.Text) is { } parsed && double.IsFinite(parsed) ? PythonNumber.ToWhole(parsed) : null;
            case UndefinedValue undefined:
                throw undefined.Fault();
            default:
                return null;
        }
    }

    private static TemplateValue Round(TemplateValue value, TemplateValue precision, string method)
    {
        if (method is not ("common" or "ceil" or "floor"))
            throw new TemplateException("FilterArgumentError", "method must be common, ceil or floor");
        if (!value.IsWhole && value is not FloatValue)
        {
            throw value is UndefinedValue undefined ? undefined.Fault()
                : TemplateException.Type($"type {value.TypeName} doesn't define __round__ method");
        }

        if (method != "common")
            return Toward(value, precision, method == "ceil");
        if (precision is NoneValue)
        {
            return value is FloatValue number ? TemplateValue.Of(PythonNumber.ToWhole(Math.Round(number.Value, MidpointRounding.ToEven)))
                : TemplateValue.Of(value.ExpectWhole());
        }

        var places = (int)Math.Clamp(precision.ExpectInteger(), -10_000, 10_000);
        return value is FloatValue real ? new FloatValue(PythonNumber.Round(real.Value, places))
            : TemplateValue.Of(PythonNumber.Round(value.ExpectWhole(), places));
    }

    private static TemplateValue Toward(TemplateValue value, TemplateValue precision, bool isUp)
    {
        var scale = Arithmetic.Apply("**", TemplateValue.Of(10), precision);
        var scaled = Arithmetic.Apply("*", value, scale);
        var whole = scaled is FloatValue number
            ? TemplateValue.Of(PythonNumber.ToWhole(isUp ? Math.Ceiling(number.Value) : Math.Floor(number.Value)))
            : scaled;
        return Arithmetic.Apply("/", whole, scale);
    }

    private static string Size(double bytes, bool isBinary)
    {
        double numberBase = isBinary ? 1024 : 1000;
        if (bytes == 1)
            return "1 Byte";
        if (bytes < numberBase)
            return $"{PythonNumber.Text(PythonNumber.ToWhole(bytes))} Bytes";
        var names = isBinary ? BinarySizes : DecimalSizes;
        var unit = numberBase;
        for (var i = 0; ; i++)
        {
            unit *= numberBase;
            if (bytes < unit || i == names.Length - 1)
                return $"{new FormatSpecification { Type = 'f', Precision = 1 }.ApplyDouble(numberBase * bytes / unit).Text} {names[i]}";
        }
    }
}
