namespace Parley.Gateway.Chat;

/// <summary>One member per way in which a request can end badly.</summary>
internal enum ChatErrorKind
{
    /// <summary>The request is wrong; sending it again will not help.</summary>
    InvalidRequest,

    /// <summary>The prompt does not fit the model's context.</summary>
    ContextExceeded,

    /// <summary>A field or value that exists elsewhere and is not supported here.</summary>
    Unsupported,

    /// <summary>No model of that name is served.</summary>
    ModelNotFound,

    /// <summary>The caller's key does not let it.</summary>
    PermissionDenied,

    /// <summary>A limit on concurrent work is reached.</summary>
    Overloaded,

    /// <summary>A service is not there, or is going away.</summary>
    Unavailable,

    /// <summary>Tokenizer and Generator do not belong to the same model.</summary>
    PairMismatch,

    /// <summary>The deadline passed.</summary>
    DeadlineExceeded,

    /// <summary>The caller reads too slowly.</summary>
    SlowReader,

    /// <summary>Ours, or that of a service behind us.</summary>
    Internal,
}
