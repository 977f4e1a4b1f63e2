using Microsoft.Extensions.Options;

namespace Parley.Generator;

/// <summary>Checks each setting by its attributes.</summary>
[OptionsValidator]
internal sealed partial class GeneratorOptionsValidator : IValidateOptions<GeneratorOptions>;
