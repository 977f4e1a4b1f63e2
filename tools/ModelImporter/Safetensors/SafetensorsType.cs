namespace Parley.ModelImporter.Safetensors;

/// <summary>Element types of weights that the importer reads.</summary>
internal enum SafetensorsType
{
    Float32,
    Float16,
    BFloat16,
}
