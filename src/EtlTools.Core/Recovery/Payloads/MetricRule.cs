using System.Globalization;
using System.Text.RegularExpressions;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// A condition between columns: two sums with >, >=, &lt; or &lt;= between them, of columns, numbers and minutes(from, to).
/// In a sum what is missing counts as nothing; where all of a side is missing, the rule says nothing.
/// </summary>
public sealed class MetricRule
{
    private static readonly Regex Comparison = new(@"^(?<left>[^<>=]+)(?<sign>[<>]=?)(?<right>[^<>=]+)$", RegexOptions.CultureInvariant);
    private static readonly Regex Span = new(@"^minutes\(\s*(?<from>\w+)\s*,\s*(?<to>\w+)\s*\)$", RegexOptions.CultureInvariant);

    // Microseconds from here are exact in a double.
    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    private readonly IReadOnlyList<Term> _left;
    private readonly IReadOnlyList<Term> _right;
    private readonly string _sign;

    private MetricRule(string text, IReadOnlyList<Term> left, string sign, IReadOnlyList<Term> right)
    {
        Text = text;
        _left = left;
        _sign = sign;
        _right = right;
    }

    /// <summary>As it stands in the file; a <see cref="MetricFault"/> names it.</summary>
    public string Text { get; }

    /// <returns>Null, and what is wrong, where the text is no rule.</returns>
    internal static MetricRule? Parse(string text, IReadOnlyList<MetricColumn> columns, out string mistake)
    {
        var parts = Comparison.Match(text);
        if (!parts.Success)
        {
            mistake = "it compares nothing";
            return null;
        }

        mistake = "";
        var left = Terms(parts.Groups["left"].Value, columns, ref mistake);
        var right = Terms(parts.Groups["right"].Value, columns, ref mistake);
        if (mistake.Length == 0 && left.Concat(right).Any(term => term.IsTime) && (left.Count > 1 || right.Count > 1 || !left[0].IsTime || !right[0].IsTime))
        {
            mistake = "a time is compared with something that is not a time";
        }

        return mistake.Length > 0 ? null : new MetricRule(text, left, parts.Groups["sign"].Value, right);
    }

    internal bool IsBrokenBy(MetricRow row)
    {
        if (Sum(_left, row) is not { } left || Sum(_right, row) is not { } right)
        {
            return false;
        }

        return _sign switch
        {
            ">" => !(left > right),
            ">=" => !(left >= right),
            "<" => !(left < right),
            _ => !(left <= right),
        };
    }

    private static List<Term> Terms(string text, IReadOnlyList<MetricColumn> columns, ref string mistake)
    {
        var terms = new List<Term>();
        foreach (var part in text.Split('+', StringSplitOptions.TrimEntries))
        {
            if (double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                terms.Add(new Term(null, null, number));
            }
            else if (Span.Match(part) is { Success: true } span)
            {
                terms.Add(new Term(Column(span.Groups["from"].Value, true, columns, ref mistake), Column(span.Groups["to"].Value, true, columns, ref mistake), 0));
            }
            else
            {
                terms.Add(new Term(Column(part, false, columns, ref mistake), null, 0));
            }
        }

        return terms;
    }

    private static MetricColumn? Column(string name, bool mustBeTime, IReadOnlyList<MetricColumn> columns, ref string mistake)
    {
        var column = columns.FirstOrDefault(column => column.Name == name);
        if (column is null)
        {
            mistake = $"there is no column '{name}'";
        }
        else if (mustBeTime ? column.Kind != MetricKind.Time : column.Kind is not (MetricKind.Number or MetricKind.Integer or MetricKind.Time))
        {
            mistake = $"'{name}' is no {(mustBeTime ? "time" : "number or time")}";
        }

        return column;
    }

    private static double? Sum(IReadOnlyList<Term> terms, MetricRow row)
    {
        var sum = 0.0;
        var isSaid = false;
        for (var i = 0; i < terms.Count; i++)
        {
            if (terms[i].Value(row) is { } value)
            {
                sum += value;
                isSaid |= terms[i].Column is not null || terms.Count == 1;
            }
        }

        return isSaid ? sum : null;
    }

    private sealed record Term(MetricColumn? Column, MetricColumn? To, double Number)
    {
        public bool IsTime => Column is { Kind: MetricKind.Time } && To is null;

        public double? Value(MetricRow row)
        {
            if (Column is null)
            {
                return Number;
            }

            if (!row.HasValue(Column.Ordinal) || (To is not null && !row.HasValue(To.Ordinal)))
            {
                return null;
            }

            if (To is not null)
            {
                return (row.Time(To.Ordinal) - row.Time(Column.Ordinal)).TotalMinutes;
            }

            return Column.Kind switch
            {
                MetricKind.Time => (row.Time(Column.Ordinal).Ticks - Epoch) / TimeSpan.TicksPerMicrosecond,
                MetricKind.Integer => row.Integer(Column.Ordinal),
                _ => row.Number(Column.Ordinal),
            };
        }
    }
}
