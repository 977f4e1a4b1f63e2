using Parley.Gateway.Limits;
using Parley.ServiceDefaults.Settings;

namespace Parley.Gateway.Access;

/// <summary>Reads the keys of the settings and of their file. Faults name the place and never show a key.</summary>
internal sealed class KeyRingReader
{
    private const int KeysMax = 10_000;
    private const int FileBytesMax = 8 * 1024 * 1024;
    private const string FileSetting = $"{GatewayOptions.Section}:{nameof(GatewayOptions.ApiKeyFile)}";

    private readonly List<AccessKey> _keys = [];
    private readonly Dictionary<string, LimitOptions> _limits;
    private readonly List<string> _faults;

    private KeyRingReader(GatewayOptions options, List<string> faults) =>
        (_limits, _faults) = (new Dictionary<string, LimitOptions>(options.Limits, StringComparer.OrdinalIgnoreCase), faults);

    /// <summary>All keys; what is wrong with them goes to the faults, and then fewer keys may be in the ring than were meant.</summary>
    public static KeyRing Read(GatewayOptions options, List<string> faults) =>
        Read(options, options.ApiKeyFile.Length > 0 ? ReadFile(options.ApiKeyFile, faults) : null, faults);

    /// <summary>The same with a content of the file that was read before.</summary>
    public static KeyRing Read(GatewayOptions options, byte[]? file, List<string> faults)
    {
        var reader = new KeyRingReader(options, faults);
        if (options.ApiKey.Length > 0)
            reader.AddPlain("Gateway:ApiKey", Callers.Unnamed, options.ApiKey, "");
        reader.AddNamed("Gateway:Keys:", options.Keys);
        if (file is not null)
            reader.AddFile(options.ApiKeyFile, file);
        reader.Check();
        return new KeyRing(reader._keys, reader._limits);
    }

    /// <summary>The file's bytes; null, and a fault, where it cannot be read.</summary>
    public static byte[]? ReadFile(string path, List<string> faults)
    {
        // A secret that was not mounted leaves a folder of its name, or nothing.
        if (Directory.Exists(path))
        {
            faults.Add($"{FileSetting}: {path} is a folder; name the file in it that holds the keys.");
            return null;
        }

        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[FileBytesMax + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length <= FileBytesMax)
                return bytes[..length];
            faults.Add($"{FileSetting}: {path} has more than {FileBytesMax} bytes.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            faults.Add($"{FileSetting}: {path} cannot be read: {exception.Message}");
        }

        return null;
    }

    private void AddFile(string path, byte[] file)
    {
        var (before, faultsBefore) = (_keys.Count, _faults.Count);
        var text = System.Text.Encoding.UTF8.GetString(file).TrimStart('\uFEFF');
        if (text.AsSpan().TrimStart().StartsWith("{", StringComparison.Ordinal))
            AddJson(path, text);
        else
            AddLines(path, text.Split('\n'));
        if (_keys.Count == before && _faults.Count == faultsBefore)
            _faults.Add($"{FileSetting}: {path} holds no key; write one a line, or leave the setting out.");
    }

    private void AddJson(string path, string text)
    {
        try
        {
            using var json = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
            var read = SettingsFile.Read<KeyFileOptions>(json);
            foreach (var (name, limits) in read.Limits)
                _limits[name] = limits;
            AddNamed($"{FileSetting}: {path}: Keys:", read.Keys);
        }
        catch (InvalidDataException exception)
        {
            _faults.Add($"{FileSetting}: {path}: {exception.Message}");
        }
    }

    /// <summary>A line is KEY, NAME KEY or NAME KEY LIMITS, where KEY is a key or its hash; empty ones and those with # are none.</summary>
    private void AddLines(string path, string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#')
                continue;
            var place = $"{FileSetting}: line {i + 1} of {path}";
            switch (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                case [var key]:
                    AddEither(place, Callers.Unnamed, key, "");
                    break;
                case [var name, var key]:
                    AddNamed(place, name, key, "");
                    break;
                case [var name, var key, var limits]:
                    AddNamed(place, name, key, limits);
                    break;
                default:
                    _faults.Add($"{place} has more than three words; a line is NAME HASH, and perhaps LIMITS.");
                    break;
            }
        }
    }

    private void AddNamed(string place, IDictionary<string, ApiKeyOptions> keys)
    {
        foreach (var (name, key) in keys)
        {
            if (KeyHash.NameFault(name) is { } fault)
                _faults.Add($"{place}{name} {fault}.");
            var hashes = (key.Hash ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (hashes.Length == 0)
                _faults.Add($"{place}{name}:Hash is not set; 'parley key new {name}' makes a key and its hash.");
            foreach (var hash in hashes)
                AddHash($"{place}{name}:Hash", name, hash, key.Limits ?? "");
        }
    }

    private void AddNamed(string place, string name, string key, string limits)
    {
        // The name is not shown: it is a key where somebody wrote the two the wrong way round.
        if (KeyHash.NameFault(name) is { } fault)
            _faults.Add($"{place}: the first word {fault}.");
        else
            AddEither(place, name, key, limits);
    }

    private void AddEither(string place, string name, string key, string limits)
    {
        if (key.StartsWith(KeyHash.Prefix, StringComparison.OrdinalIgnoreCase))
            AddHash(place, name, key, limits);
        else
            AddPlain(place, name, key, limits);
    }

    private void AddHash(string place, string name, string hash, string limits)
    {
        if (KeyHash.Parse(hash) is { } bytes)
            _keys.Add(new AccessKey(name, bytes, limits));
        else
            _faults.Add($"{place} is no hash; one is {KeyHash.Prefix} and 64 hexadecimal digits, as 'parley key new' prints it.");
    }

    private void AddPlain(string place, string name, string key, string limits)
    {
        if (KeyHash.Fault(key) is { } fault)
            _faults.Add($"{place} {fault}.");
        else
            _keys.Add(new AccessKey(name, KeyHash.BytesOf(key), limits));
    }

    private void Check()
    {
        if (_keys.Count > KeysMax)
            _faults.Add($"There are {_keys.Count} keys; the Gateway takes {KeysMax}.");
        foreach (var name in _keys.Select(key => key.LimitsName).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (name.Length > 0 && !_limits.ContainsKey(name) && name != LimitOptions.DefaultName)
                _faults.Add($"A key names the limits '{name}', and there is no Gateway:Limits:{name} (nor such limits in the keys' file).");
        }

        foreach (var same in _keys.GroupBy(key => key.Name, StringComparer.OrdinalIgnoreCase))
        {
            if (same.Select(key => key.LimitsName).Distinct(StringComparer.OrdinalIgnoreCase).Count() > 1)
                _faults.Add($"The keys of '{same.Key}' name different limits; a caller has one set.");
        }

        foreach (var same in _keys.GroupBy(key => Convert.ToHexStringLower(key.Hash)))
        {
            if (same.Select(key => key.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count() > 1)
                _faults.Add($"{string.Join(" and ", same.Select(key => $"'{key.Name}'").Distinct())} have the same key.");
        }
    }
}
