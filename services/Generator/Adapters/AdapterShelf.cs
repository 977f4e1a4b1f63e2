namespace Parley.Generator.Adapters;

/// <summary>
/// The adapters that are served, by name. From any thread: whoever wants one holds it, and an adapter's memory is given back when it is off
/// the shelf and nobody holds it any more.
/// </summary>
/// <param name="model">What they are served beside.</param>
/// <param name="limits">What they may take.</param>
internal sealed class AdapterShelf(AdapterBaseModel model, AdapterLimits limits) : IDisposable
{
    private const int NameLengthMax = 128;
    private const int NamesShownMax = 8;

    private readonly Lock _lock = new();

    private readonly Lock _reading = new();
    private readonly SortedDictionary<string, ServedAdapter> _served = new(StringComparer.Ordinal);
    private readonly Dictionary<ServedAdapter, int> _holders = [];
    private long _bytes;

    /// <summary>Those that can be had, by name.</summary>
    public IReadOnlyList<ServedAdapter> Served
    {
        get
        {
            lock (_lock)
                return [.. _served.Values];
        }
    }

    /// <summary>Memory of all, those included that are still in use without a name.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return _bytes;
        }
    }

    /// <summary>Serves the adapter in a folder; one of the same name gives way to it. Reads files, which may take seconds.</summary>
    /// <param name="name">Name that requests give.</param>
    /// <param name="folder">Its folder.</param>
    /// <returns>It, and how many sequences still run with the one before it; null where there was none.</returns>
    /// <exception cref="AdapterException">It cannot be served; nothing has changed.</exception>
    public (ServedAdapter Adapter, int? Replaced) Load(string name, string folder)
    {
        CheckName(name);
        if (model.Fault is { } fault)
            throw new AdapterException(AdapterRefusalKind.Unsupported, "name", fault);
        // One is read at a time, which bounds what reading takes beside the memory that is counted.
        lock (_reading)
            return Read(name, folder);
    }

    /// <summary>Takes an adapter off the shelf: nobody gets it any more.</summary>
    /// <returns>Holders that still use it; its memory is free when the last of them ends.</returns>
    /// <exception cref="AdapterException">None of that name is served.</exception>
    public int Unload(string name)
    {
        lock (_lock)
            return _served.Remove(name, out var adapter) ? Retire(adapter) : throw Unknown("name", name);
    }

    /// <summary>Holds an adapter.</summary>
    /// <param name="field">Where its name was given.</param>
    /// <param name="name">Its name.</param>
    /// <exception cref="AdapterException">None of that name is served; the message names those that are.</exception>
    public AdapterHold Hold(string field, string name)
    {
        lock (_lock)
        {
            if (!_served.TryGetValue(name, out var adapter))
                throw Unknown(field, name);
            _holders[adapter]++;
            return new AdapterHold(this, adapter);
        }
    }

    /// <summary>Frees what nobody holds.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var adapter in _served.Values)
                Retire(adapter);
            _served.Clear();
        }
    }

    /// <summary>Called once by each hold.</summary>
    internal void Release(ServedAdapter adapter)
    {
        lock (_lock)
        {
            if (--_holders[adapter] == 0 && !(_served.TryGetValue(adapter.Name, out var served) && served == adapter))
                Free(adapter);
        }
    }

    private (ServedAdapter Adapter, int? Replaced) Read(string name, string folder)
    {
        try
        {
            var package = AdapterPackage.Open(folder, model, limits);
            Reserve(name, package.Bytes);
            ServedAdapter adapter;
            try
            {
                var weights = package.Load(model.Linears!.All.Count);
                adapter = new ServedAdapter(
                    name, package.Folder, package.Sha256, package.Manifest.RankMax, package.Manifest.Linears.Count, weights);
            }
            catch
            {
                lock (_lock)
                    _bytes -= package.Bytes;
                throw;
            }

            lock (_lock)
            {
                _bytes += adapter.Weights.Bytes - package.Bytes;
                int? replaced = _served.Remove(name, out var before) ? Retire(before) : null;
                _served[name] = adapter;
                _holders[adapter] = 0;
                return (adapter, replaced);
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new AdapterException(AdapterRefusalKind.Invalid, "path", exception.Message, exception);
        }
    }

    /// <summary>Counts an adapter's memory before it is taken; for a while one that is replaced is there as well.</summary>
    private void Reserve(string name, long bytes)
    {
        lock (_lock)
        {
            if (!_served.ContainsKey(name) && _served.Count >= limits.Count)
            {
                throw new AdapterException(AdapterRefusalKind.Full, "name",
                    $"{_served.Count} adapters are served, which Generator:AdaptersMax allows: unload one, or raise it.");
            }

            if (_bytes + bytes > limits.Bytes)
            {
                throw new AdapterException(AdapterRefusalKind.Full, "path",
                    $"the adapter takes {bytes} bytes, those that are loaded {_bytes}, and Generator:AdapterBytesMax allows "
                    + $"{limits.Bytes}: unload one, or raise it.");
            }

            _bytes += bytes;
        }
    }

    /// <summary>For one that has just lost its name.</summary>
    private int Retire(ServedAdapter adapter)
    {
        var holders = _holders[adapter];
        if (holders == 0)
            Free(adapter);
        return holders;
    }

    private void Free(ServedAdapter adapter)
    {
        _holders.Remove(adapter);
        _bytes -= adapter.Weights.Bytes;
        adapter.Weights.Dispose();
    }

    private void CheckName(string name)
    {
        if (name.Length is 0 or > NameLengthMax || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/'))
        {
            throw new AdapterException(AdapterRefusalKind.Invalid, "name",
                $"must be 1 to {NameLengthMax} letters and digits of ASCII, '.', '_', '-' and '/'.");
        }

        if (model.Names.Contains(name))
            throw new AdapterException(AdapterRefusalKind.Invalid, "name", $"is '{name}', which is the model's own name.");
    }

    private AdapterException Unknown(string field, string name)
    {
        var names = _served.Count == 0 ? "none is loaded"
            : "those that are: " + string.Join(", ", _served.Keys.Take(NamesShownMax)) + (_served.Count > NamesShownMax ? ", …" : "");
        var shown = name.Length <= NameLengthMax ? name : name[..NameLengthMax] + "…";
        return new AdapterException(AdapterRefusalKind.Unknown, field, $"no adapter '{shown}' is served; {names}.");
    }
}
