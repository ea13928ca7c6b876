using System.Globalization;
using System.Text;

namespace EtlTools.Tests.Recovery.Payloads;

/// <summary>
/// Writes JSON in one of the many ways it may be written: with white space or without, characters escaped or not, fields in any
/// order or in that of jsonb. An object is a list of fields, a list is an array; a text stands for itself, anything else is raw.
/// </summary>
internal sealed class PayloadText(Random random)
{
    private readonly StringBuilder _text = new();

    /// <summary>Fields are written in the order they are given in, not in any other or that of jsonb.</summary>
    public bool KeepsOrder { get; init; }

    private bool Shuffles { get; } = random.Next(3) > 0;

    private bool HasSpace { get; } = random.Next(2) > 0;

    private bool HasEscapes { get; } = random.Next(3) == 0;

    public string Write(object value)
    {
        Add(value);
        return _text.ToString();
    }

    /// <summary>Fields that no metric has, some of which look like something else.</summary>
    public List<(string, object)> WithNoise(params IEnumerable<(string, object)> fields)
    {
        var all = fields.ToList();
        for (var i = random.Next(4) == 0 ? 2 : 0; i > 0; i--)
        {
            object value = random.Next(5) switch
            {
                0 => "a } ] \" { text",
                1 => new List<(string, object)> { ("type", "HeartRate"), ("data", new object[] { 1, "]" }) },
                2 => new object[] { new object[0], "}", -1.5 },
                3 => true,
                _ => new Raw("null"),
            };
            all.Add(($"noise{i}", value));
        }

        return all;
    }

    private void Add(object value)
    {
        Space();
        switch (value)
        {
            case string text:
                AddText(text);
                break;
            case List<(string Name, object Value)> fields:
                AddList('{', InOrder(fields), '}', field =>
                {
                    AddText(field.Name);
                    Space();
                    _text.Append(':');
                    Add(field.Value);
                });
                break;
            case object[] items:
                AddList('[', items, ']', Add);
                break;
            case bool flag:
                _text.Append(flag ? "true" : "false");
                break;
            default:
                _text.Append(CultureInfo.InvariantCulture, $"{value}");
                break;
        }

        Space();
    }

    private List<(string Name, object Value)> InOrder(List<(string Name, object Value)> fields) => KeepsOrder ? fields
        : Shuffles ? [.. fields.OrderBy(_ => random.Next())]
        : [.. fields.OrderBy(field => field.Name.Length).ThenBy(field => field.Name, StringComparer.Ordinal)];

    private void AddList<T>(char open, IReadOnlyList<T> items, char close, Action<T> add)
    {
        _text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            _text.Append(i > 0 ? "," : "");
            Space();
            add(items[i]);
        }

        Space();
        _text.Append(close);
    }

    private void AddText(string text)
    {
        _text.Append('"');
        foreach (var character in text.EnumerateRunes())
        {
            if (character.Value is '"' or '\\' or < ' ' || (HasEscapes && random.Next(4) == 0))
            {
                _text.Append(string.Concat(character.ToString().Select(unit => $"\\u{(int)unit:x4}")));
            }
            else
            {
                _text.Append(character.ToString());
            }
        }

        _text.Append('"');
    }

    private void Space() => _text.Append(HasSpace && random.Next(3) == 0 ? random.Next(2) == 0 ? " " : "\n\t" : "");

    /// <summary>JSON as it stands.</summary>
    public sealed record Raw(string Text)
    {
        public override string ToString() => Text;
    }
}
