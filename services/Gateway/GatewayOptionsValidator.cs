using Microsoft.Extensions.Options;

namespace Parley.Gateway;

/// <summary>Ranges by attribute, written by the source generator; the rest is in <see cref="GatewayOptionsRules"/>.</summary>
[OptionsValidator]
internal sealed partial class GatewayOptionsValidator : IValidateOptions<GatewayOptions>;
