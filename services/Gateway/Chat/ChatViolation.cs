namespace Parley.Gateway.Chat;

/// <summary>One fault of a request.</summary>
/// <param name="Field">Path in the gRPC contract, e.g. <c>chat.messages[0].role</c> or <c>sampling.top_p</c>.</param>
/// <param name="Description">What is wrong with it and what would be right, without the field's name.</param>
/// <param name="Reason">The same for programs.</param>
internal sealed record ChatViolation(string Field, string Description, ViolationReason Reason = ViolationReason.Value);
