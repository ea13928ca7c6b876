using System.Buffers;
using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Counts what a payload holds.</summary>
internal sealed class PayloadTally(MetricMap map)
{
    private const string Others = "(others)";
    private const int MostNames = 100;
    private const int MostNameLetters = 64;

    private static readonly SearchValues<char> NameLetters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    private readonly long[] _accepted = new long[map.Types.Count];
    private readonly long[] _rejected = new long[map.Types.Count];
    private readonly Dictionary<string, long> _unknown = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _unknownFields = new(StringComparer.Ordinal);
    private readonly Utf8Names<string>?[] _fieldNames = new Utf8Names<string>?[map.Types.Count];

    public long Accepted => _accepted.Sum();

    public long Rejected => _rejected.Sum() + _unknown.Values.Sum();

    public IReadOnlyDictionary<string, long> Unknown => new Dictionary<string, long>(_unknown);

    public IReadOnlyDictionary<string, long> UnknownFields => new Dictionary<string, long>(_unknownFields);

    public IReadOnlyList<MetricCount> Types =>
    [
        .. map.Types.Where(type => _accepted[type.Index] + _rejected[type.Index] > 0).Select(type => new MetricCount(
            type, _accepted[type.Index] + _rejected[type.Index], _accepted[type.Index], _rejected[type.Index])),
    ];

    public void Clear()
    {
        Array.Clear(_accepted);
        Array.Clear(_rejected);
        Array.Clear(_fieldNames);
        _unknown.Clear();
        _unknownFields.Clear();
    }

    public void Accept(MetricType type) => _accepted[type.Index]++;

    public void Reject(MetricType type) => _rejected[type.Index]++;

    public void RejectUnknown(string name) => Add(_unknown, name);

    public void AddUnknownField(MetricType type, ReadOnlySpan<byte> name)
    {
        var names = _fieldNames[type.Index] ??= new Utf8Names<string>();
        if (!names.TryFind(name, out var full))
        {
            full = names.Count < MostNames ? $"{type.Name}.{Shown(Encoding.UTF8.GetString(name))}" : Others;
            if (names.Count < MostNames)
            {
                names.Add(name, full);
            }
        }

        Add(_unknownFields, full);
    }

    /// <summary>A name of a payload as it may be told; what does not read like a name could be anything.</summary>
    public static string Shown(string name) =>
        name.Length is > 0 and <= MostNameLetters && char.IsAsciiLetter(name[0]) && !name.AsSpan().ContainsAnyExcept(NameLetters) ? name : "";

    private static void Add(Dictionary<string, long> counts, string name)
    {
        var key = counts.ContainsKey(name) || counts.Count < MostNames ? name : Others;
        counts[key] = counts.GetValueOrDefault(key) + 1;
    }
}
