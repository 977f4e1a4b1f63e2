using System.Numerics;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Python's operators on numbers.</summary>
internal static class Arithmetic
{
    // Far more than Python will write out; keeps a template from computing forever.
    private const long BitsMax = 1 << 16;

    public static TemplateValue Apply(string name, TemplateValue left, TemplateValue right)
    {
        if (!(left.IsWhole || left is FloatValue) || !(right.IsWhole || right is FloatValue))
        {
            var shown = name == "**" ? "** or pow()" : name;
            throw TemplateException.Type($"unsupported operand type(s) for {shown}: '{left.TypeName}' and '{right.TypeName}'");
        }

        if (left is FloatValue || right is FloatValue || (name == "**" && right.ExpectWhole().Sign < 0))
            return new FloatValue(OnDoubles(name, PythonNumber.ToDouble(left), PythonNumber.ToDouble(right)));
        return name == "/" ? new FloatValue(Quotient(left.ExpectWhole(), right.ExpectWhole()))
            : TemplateValue.Of(OnIntegers(name, left.ExpectWhole(), right.ExpectWhole()));
    }

    public static TemplateValue Negate(TemplateValue value, bool isNegative) => value switch
    {
        UndefinedValue undefined => throw undefined.Fault(),
        FloatValue number => isNegative ? new FloatValue(-number.Value) : number,
        IntegerValue or BooleanValue => TemplateValue.Of(isNegative ? -value.ExpectWhole() : value.ExpectWhole()),
        _ => throw TemplateException.Type($"bad operand type for unary {(isNegative ? '-' : '+')}: '{value.TypeName}'"),
    };

    /// <summary>The remainder with the sign of the divisor.</summary>
    public static BigInteger Modulo(BigInteger left, BigInteger right)
    {
        if (right.IsZero)
            throw DivisionByZero("integer modulo by zero");
        var remainder = BigInteger.Remainder(left, right);
        return !remainder.IsZero && remainder.Sign != right.Sign ? remainder + right : remainder;
    }

    /// <inheritdoc cref="Modulo(BigInteger, BigInteger)"/>
    public static double Modulo(double left, double right)
    {
        if (right == 0)
            throw DivisionByZero("float modulo");
        var remainder = left % right;
        if (remainder == 0)
            return double.CopySign(0, right);
        return (remainder < 0) != (right < 0) ? remainder + right : remainder;
    }

    private static double Quotient(BigInteger left, BigInteger right) =>
        right.IsZero ? throw DivisionByZero("division by zero") : PythonNumber.Quotient(left, right);

    private static BigInteger OnIntegers(string name, BigInteger left, BigInteger right)
    {
        var result = name switch
        {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            // Python rounds down and gives the remainder the sign of the divisor.
            "//" => right.IsZero ? throw DivisionByZero("integer division or modulo by zero") : (left - Modulo(left, right)) / right,
            "%" => Modulo(left, right),
            _ => Power(left, right),
        };
        return result.GetBitLength() <= BitsMax ? result : throw TooLarge();
    }

    private static double OnDoubles(string name, double left, double right) => name switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => right == 0 ? throw DivisionByZero("float division by zero") : left / right,
        "//" => FloorQuotient(left, right),
        "%" => Modulo(left, right),
        _ => Power(left, right),
    };

    // As Python's float.__floordiv__ computes it, so that it agrees with the remainder.
    private static double FloorQuotient(double left, double right)
    {
        if (right == 0)
            throw DivisionByZero("float floor division by zero");
        var quotient = (left - Modulo(left, right)) / right;
        if (quotient == 0)
            return double.CopySign(0, left / right);
        var floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static double Power(double left, double right)
    {
        if (left == 0 && right < 0)
            throw DivisionByZero("0.0 cannot be raised to a negative power");
        if (left < 0 && double.IsFinite(left) && double.IsFinite(right) && right != Math.Floor(right))
            throw TemplateException.Value("the power is a complex number, which templates here do not have");
        var result = Math.Pow(left, right);
        if (double.IsInfinity(result) && double.IsFinite(left) && double.IsFinite(right))
            throw new TemplateException("OverflowError", "(34, 'Numerical result out of range')");
        return result;
    }

    private static BigInteger Power(BigInteger value, BigInteger exponent)
    {
        if (value.IsZero || value.IsOne || value == BigInteger.MinusOne)
            return exponent.IsZero || value.IsOne || (!value.IsZero && exponent.IsEven) ? BigInteger.One : value;
        if (exponent > BitsMax || (BigInteger.Abs(value).GetBitLength() - 1) * (long)exponent > BitsMax)
            throw TooLarge();
        return BigInteger.Pow(value, (int)exponent);
    }

    private static TemplateException TooLarge() => TemplateException.Limit("bits of a whole number", BitsMax);

    private static TemplateException DivisionByZero(string description) => new("ZeroDivisionError", description);
}
