namespace EtlTools.Core.Runs;

/// <summary>The conditions of one query of the ledger: text from this assembly, values as parameters.</summary>
internal sealed class LedgerFilter
{
    private readonly List<string> _conditions = [];
    private readonly Dictionary<string, object> _parameters = [];
    private string _limit = "";

    public IReadOnlyDictionary<string, object> Parameters => _parameters;

    /// <summary>WHERE, or nothing.</summary>
    public string Where => _conditions.Count == 0 ? "" : "WHERE " + string.Join("\n  AND ", _conditions);

    public string Limit => _limit;

    public void Add(string condition) => _conditions.Add(condition);

    public void Add(string condition, string name, object value)
    {
        _conditions.Add(condition);
        Set(name, value);
    }

    public void Set(string name, object value) => _parameters[name] = value;

    /// <summary>column = one of the values; none given: all.</summary>
    public void AddAny<T>(string column, string name, IReadOnlyCollection<T> values)
    {
        if (values.Count > 0)
        {
            Add($"{column} = ANY(@{name})", name, values.Distinct().ToArray());
        }
    }

    /// <summary>As <see cref="AddAny{T}"/>, without regard to case.</summary>
    public void AddAnyText(string column, string name, IReadOnlyCollection<string> values) =>
        AddAny($"lower({column})", name, values.Select(value => value.ToLowerInvariant()).ToList());

    /// <summary>The status words of an enum; Unknown stands for every word that the enum does not have.</summary>
    public void AddStatus<T>(string column, IReadOnlyCollection<T> values)
        where T : struct, Enum
    {
        if (values.Count == 0)
        {
            return;
        }

        var condition = $"{column} = ANY(@status)";
        Set("status", values.Select(Word).ToArray());
        if (values.Any(value => Word(value) == "unknown"))
        {
            condition += $" OR {column} <> ALL(@known_status)";
            Set("known_status", Enum.GetValues<T>().Select(Word).ToArray());
        }

        Add($"({condition})");
    }

    public void AddSince(string column, DateTimeOffset? since)
    {
        if (since is { } time)
        {
            Add($"{column} >= @since", "since", time.UtcDateTime);
        }
    }

    /// <exception cref="EtlException">FirstInvalid.</exception>
    public void SetFirst(int? first)
    {
        if (first is not { } count)
        {
            return;
        }

        if (count < 0)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "FirstInvalid", "The number of items to show is negative.", "First", "Give 1 or more.");
        }

        _limit = "LIMIT @first";
        Set("first", count);
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
