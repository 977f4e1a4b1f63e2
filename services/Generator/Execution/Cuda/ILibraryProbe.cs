namespace Parley.Generator.Execution.Cuda;

/// <summary>How native libraries are looked for; the seam that lets the report be tested without any.</summary>
internal interface ILibraryProbe
{
    /// <summary>Loads a library by its file name, and keeps it.</summary>
    bool TryLoad(string name);

    /// <summary>Handle of a loaded library.</summary>
    IntPtr Handle(string name);

    /// <summary>Asks a loaded library for its version; null where it gives none.</summary>
    Version? VersionOf(string name);

    /// <summary>Full path of a file beside ONNX Runtime's own library or in the folders of the options; null where there is none.</summary>
    string? FindFile(string name);

    /// <summary>Whether a file holds a text, as a library holds the version that it was built as.</summary>
    bool Holds(string path, string text);
}
