namespace Parley.Gateway.Chat;

/// <summary>What is wrong with a field, as far as programs want to tell it apart.</summary>
internal enum ViolationReason
{
    /// <summary>The value is of the right type and makes no sense.</summary>
    Value,

    /// <summary>The value is of another type.</summary>
    Type,

    /// <summary>A field that must be there is not.</summary>
    Missing,

    /// <summary>Nobody knows the field.</summary>
    Unknown,

    /// <summary>The value exists elsewhere and asks for something that is not done here.</summary>
    Unsupported,

    IntegerTooSmall,

    IntegerTooLarge,

    NumberTooSmall,

    NumberTooLarge,

    TextTooShort,

    TextTooLong,

    ListTooShort,

    ListTooLong,
}
