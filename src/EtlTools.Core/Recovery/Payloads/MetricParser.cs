using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace EtlTools.Core.Recovery.Payloads;

internal enum ParseStatus
{
    /// <summary>A metric; the row has it.</summary>
    Row,

    /// <summary>A whole object that is no metric.</summary>
    Fault,

    /// <summary>The text ends inside the object.</summary>
    Unfinished,

    /// <summary>It is not JSON.</summary>
    Malformed,
}

/// <summary>Reads one object of a list into the row.</summary>
internal sealed class MetricParser(MetricMap map, PayloadTally tally)
{
    private const byte Unset = byte.MaxValue;
    private const int MaxDepth = 512;

    // Digits of a value whose unit was converted; Math.Round knows so many decimals.
    private const int ConvertedDigits = 12;
    private const int MostDecimals = 15;

    private static readonly JsonReaderState Start = new(new JsonReaderOptions { AllowTrailingCommas = true, MaxDepth = MaxDepth });

    private readonly FieldTable _quantity = FieldTable.ForQuantity(map);
    private readonly byte[] _ranks = new byte[map.Types.Max(type => type.Columns.Count)];
    private readonly bool[] _isConverted = new bool[map.Types.Max(type => type.Columns.Count)];
    private readonly byte[] _unit = new byte[64];

    // Places in the text, to be looked at when the object has turned out to be whole.
    private readonly List<(int Column, int Start, int End)> _json = [];
    private readonly List<(int Start, int Length)> _unknown = [];

    private MetricBinding _binding = null!;
    private byte[]? _expectedType;
    private byte[] _scratch = new byte[256];
    private int _unitLength;
    private bool _isFaulty;

    public MetricRow Row { get; } = new();

    public MetricFaultReason Reason { get; private set; }

    /// <summary>The column or rule that <see cref="Reason"/> is about.</summary>
    public string Field { get; private set; } = "";

    /// <summary>Whether the object says that it is of the type that was expected.</summary>
    public bool IsOfExpectedType { get; private set; }

    /// <param name="text">Begins with the object's bracket.</param>
    /// <param name="binding">What it is.</param>
    /// <param name="listUnit">The unit that its list is in, where the object has none of its own.</param>
    /// <param name="expectedType">What its field "type" has to say; null: anything.</param>
    /// <param name="length">Bytes of the object, where it is whole.</param>
    public ParseStatus Parse(
        ReadOnlySpan<byte> text, MetricBinding binding, ReadOnlySpan<byte> listUnit, byte[]? expectedType, out int length)
    {
        _binding = binding;
        _expectedType = expectedType;
        _isFaulty = false;
        _unitLength = 0;
        IsOfExpectedType = false;
        _json.Clear();
        _unknown.Clear();
        Row.Begin(binding.Type);
        _ranks.AsSpan(0, binding.Columns.Length).Fill(Unset);
        _isConverted.AsSpan(0, binding.Columns.Length).Clear();
        length = 0;
        var reader = new Utf8JsonReader(text, isFinalBlock: false, Start);
        try
        {
            if (!reader.Read() || !ReadFields(ref reader, binding.Fields, isOuter: true))
            {
                return ParseStatus.Unfinished;
            }
        }
        catch (JsonException)
        {
            return ParseStatus.Malformed;
        }

        length = (int)reader.BytesConsumed;
        foreach (var (column, from, to) in _json)
        {
            SetJson(column, text[from..to]);
        }

        foreach (var (start, nameLength) in _unknown)
        {
            tally.AddUnknownField(binding.Type, text.Slice(start, nameLength));
        }

        if (!_isFaulty)
        {
            Finish(_unitLength > 0 ? _unit.AsSpan(0, _unitLength) : listUnit);
        }

        return _isFaulty ? ParseStatus.Fault : ParseStatus.Row;
    }

    /// <summary>Finds the end of an object, as <see cref="Parse"/> does.</summary>
    public static ParseStatus Pass(ReadOnlySpan<byte> text, out int length)
    {
        length = 0;
        var reader = new Utf8JsonReader(text, isFinalBlock: false, Start);
        try
        {
            if (!reader.Read() || !reader.TrySkip())
            {
                return ParseStatus.Unfinished;
            }
        }
        catch (JsonException)
        {
            return ParseStatus.Malformed;
        }

        length = (int)reader.BytesConsumed;
        return ParseStatus.Row;
    }

    /// <summary>Looks whether a pair that was put together is a metric.</summary>
    public ParseStatus Check()
    {
        _isFaulty = false;
        CheckRules();
        return _isFaulty ? ParseStatus.Fault : ParseStatus.Row;
    }

    private bool ReadFields(ref Utf8JsonReader reader, FieldTable fields, bool isOuter)
    {
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                return true;
            }

            var name = reader.ValueIsEscaped ? Unescaped(ref reader) : reader.ValueSpan;
            var target = fields.Find(name);
            if (target.Role == FieldRole.Unknown && isOuter)
            {
                _unknown.Add(((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length));
            }

            if (!reader.Read() || !ReadValue(ref reader, target))
            {
                return false;
            }
        }

        return false;
    }

    private bool ReadValue(ref Utf8JsonReader reader, FieldTarget target)
    {
        switch (target.Role)
        {
            case FieldRole.Column or FieldRole.Value when target.Column >= 0:
                return ReadColumn(ref reader, target);
            case FieldRole.Unit when reader.TokenType == JsonTokenType.String:
                KeepUnit(ref reader);
                return true;
            case FieldRole.Type when _expectedType is not null && reader.TokenType == JsonTokenType.String:
                IsOfExpectedType = reader.ValueTextEquals(_expectedType);
                return true;
            case FieldRole.Group when reader.TokenType == JsonTokenType.StartObject:
                return ReadFields(ref reader, target.Inner!, isOuter: false);
            default:
                return reader.TrySkip();
        }
    }

    private bool ReadColumn(ref Utf8JsonReader reader, FieldTarget target)
    {
        var column = target.Column;
        if (reader.TokenType == JsonTokenType.Null)
        {
            if (Row.KindOf(column) == MetricValueKind.None)
            {
                Row.SetNull(column);
            }

            return true;
        }

        // The same field twice: the last one counts, as it does in jsonb.
        if (_ranks[column] < target.Rank)
        {
            return reader.TrySkip();
        }

        _ranks[column] = target.Rank;
        ref readonly var plan = ref _binding.Columns[column];
        if (plan.Kind == MetricKind.Json)
        {
            return ReadJson(ref reader, column);
        }

        if (reader.TokenType == JsonTokenType.StartObject && plan.Kind is MetricKind.Number or MetricKind.Integer)
        {
            return ReadQuantity(ref reader, column);
        }

        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            Fail(MetricFaultReason.WrongKind, column);
            return reader.TrySkip();
        }

        var text = reader.TokenType == JsonTokenType.String && reader.ValueIsEscaped ? Unescaped(ref reader) : reader.ValueSpan;
        SetScalar(in plan, column, reader.TokenType, text);
        return true;
    }

    private void SetScalar(in ColumnPlan plan, int column, JsonTokenType token, ReadOnlySpan<byte> text)
    {
        switch (plan.Kind)
        {
            case MetricKind.Number or MetricKind.Integer when token is JsonTokenType.Number or JsonTokenType.String:
                SetNumber(column, text);
                break;
            case MetricKind.Time when token == JsonTokenType.String && PayloadTime.TryRead(text, out var ticks):
                Row.SetTime(column, ticks);
                break;
            case MetricKind.Time:
                Fail(MetricFaultReason.InvalidTime, column);
                break;
            case MetricKind.Text:
                SetText(in plan, column, text);
                break;
            case MetricKind.Boolean when TryBoolean(text, out var flag):
                Row.SetBoolean(column, flag);
                break;
            case MetricKind.Uuid when TryUuid(text, out var uuid):
                Row.SetUuid(column, uuid);
                break;
            default:
                Fail(MetricFaultReason.WrongKind, column);
                break;
        }
    }

    // As it is written: its unit may be known only later.
    private void SetNumber(int column, ReadOnlySpan<byte> text)
    {
        _isConverted[column] = false;
        if (!JsonNumber.TryRead(text, out var whole, out var number, out var isWhole))
        {
            Fail(MetricFaultReason.WrongKind, column);
        }
        else if (isWhole)
        {
            Row.SetInteger(column, whole);
        }
        else if (double.IsFinite(number))
        {
            Row.SetNumber(column, number);
        }
        else
        {
            Fail(MetricFaultReason.OutOfRange, column);
        }
    }

    private void SetText(in ColumnPlan plan, int column, ReadOnlySpan<byte> text)
    {
        if (text.Contains((byte)0) || !Utf8.IsValid(text))
        {
            Fail(MetricFaultReason.InvalidText, column);
            return;
        }

        if (!plan.Column.IsLabel && plan.Values is null)
        {
            Row.SetText(column, MetricValueKind.Text, text);
            return;
        }

        // An underscore may be put before every letter.
        var space = Row.TextSpace(2 * text.Length);
        var length = plan.Column.IsLabel ? Label.Write(text, plan.Column.Prefixes, space) : WriteLowerCase(text, space);
        if (plan.Values is not null && plan.Values.TryFind(space[..length], out var replacement))
        {
            if (replacement.Length == 0)
            {
                Row.SetNull(column);
            }
            else
            {
                Row.SetText(column, MetricValueKind.Text, replacement);
            }
        }
        else if (plan.Column.IsLabel)
        {
            Row.SetWritten(column, MetricValueKind.Text, length);
        }
        else
        {
            Row.SetText(column, MetricValueKind.Text, text);
        }
    }

    private void SetJson(int column, ReadOnlySpan<byte> text)
    {
        if (text.IndexOf("\\u0000"u8) >= 0 || !Utf8.IsValid(text))
        {
            Fail(MetricFaultReason.InvalidText, column);
        }
        else
        {
            Row.SetText(column, MetricValueKind.Json, text);
        }
    }

    private static int WriteLowerCase(ReadOnlySpan<byte> text, Span<byte> lower)
    {
        for (var i = 0; i < text.Length; i++)
        {
            lower[i] = text[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(text[i] | 0x20) : text[i];
        }

        return text.Length;
    }

    private static bool TryBoolean(ReadOnlySpan<byte> text, out bool flag)
    {
        if (JsonNumber.TryRead(text, out _, out var number, out _))
        {
            flag = number > 0;
            return true;
        }

        flag = Ascii.EqualsIgnoreCase(text, "true"u8) || Ascii.EqualsIgnoreCase(text, "yes"u8);
        return flag || Ascii.EqualsIgnoreCase(text, "false"u8) || Ascii.EqualsIgnoreCase(text, "no"u8);
    }

    private static bool TryUuid(ReadOnlySpan<byte> text, out Guid uuid) =>
        (Utf8Parser.TryParse(text, out uuid, out var length) && length == text.Length)
        || (Utf8Parser.TryParse(text, out uuid, out length, 'N') && length == text.Length);

    private bool ReadJson(ref Utf8JsonReader reader, int column)
    {
        var start = (int)reader.TokenStartIndex;
        if (!reader.TrySkip())
        {
            return false;
        }

        _json.Add((column, start, (int)reader.BytesConsumed));
        return true;
    }

    // {"qty": 1, "units": "kg"}, where a number could stand.
    private bool ReadQuantity(ref Utf8JsonReader reader, int column)
    {
        var rank = Unset;
        UnitConversions? units = null;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                if (units is not null && Row.HasValue(column) && _binding.Columns[column].HasUnit)
                {
                    Convert(column, units[column]);
                }

                return true;
            }

            var target = _quantity.Find(reader.ValueSpan);
            if (!reader.Read())
            {
                return false;
            }

            if (target.Role == FieldRole.Value && target.Rank <= rank && reader.TokenType is JsonTokenType.Number or JsonTokenType.String)
            {
                rank = target.Rank;
                SetNumber(column, reader.ValueSpan);
            }
            else if (target.Role == FieldRole.Unit && reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length > 0)
            {
                units = _binding.Units(reader.ValueSpan);
            }
            else if (!reader.TrySkip())
            {
                return false;
            }
        }

        return false;
    }

    private void KeepUnit(ref Utf8JsonReader reader)
    {
        var text = reader.ValueIsEscaped ? Unescaped(ref reader) : reader.ValueSpan;
        _unitLength = Math.Min(text.Length, _unit.Length);
        text[.._unitLength].CopyTo(_unit);
    }

    // Half a character that is written as an escape cannot be unescaped; a NUL stands for it, which no text may have.
    private ReadOnlySpan<byte> Unescaped(ref Utf8JsonReader reader)
    {
        if (_scratch.Length < reader.ValueSpan.Length)
        {
            _scratch = new byte[2 * reader.ValueSpan.Length];
        }

        try
        {
            return _scratch.AsSpan(0, reader.CopyString(_scratch));
        }
        catch (InvalidOperationException)
        {
            return "\0"u8;
        }
    }

    private void Finish(ReadOnlySpan<byte> unit)
    {
        var units = unit.Length > 0 ? _binding.Units(unit) : null;
        if (units is not null && _binding.Column is null && !units.IsKnown)
        {
            // A list whose columns have no units may say what it likes.
            units = null;
            if (Array.Exists(_binding.Columns, plan => plan.HasUnit && Row.HasValue(plan.Column.Ordinal)))
            {
                Fail(MetricFaultReason.UnknownUnit, "");
                return;
            }
        }

        for (var column = 0; column < _binding.Columns.Length; column++)
        {
            ref readonly var plan = ref _binding.Columns[column];
            if (!Row.HasValue(column))
            {
                if (plan.IsRequired && !IsConstant(column))
                {
                    Fail(MetricFaultReason.MissingField, column);
                }
            }
            else if (plan.Kind is MetricKind.Number or MetricKind.Integer)
            {
                FinishNumber(in plan, column, units);
            }
        }

        SetConstants();
        if (!_isFaulty && !_binding.IsPaired)
        {
            CheckRules();
        }
    }

    private void FinishNumber(in ColumnPlan plan, int column, UnitConversions? units)
    {
        if (units is not null && plan.HasUnit && !_isConverted[column])
        {
            if (units[column] is { } conversion)
            {
                Convert(column, conversion);
            }
            else if (plan.Column == _binding.Column)
            {
                Fail(MetricFaultReason.UnknownUnit, column);
                return;
            }
        }

        var isWhole = Row.KindOf(column) == MetricValueKind.Integer;
        var value = isWhole ? Row.Integer(column) : Row.Number(column);
        if (plan.TakesFractions && value is >= 0 and <= 1)
        {
            value *= 100;
            isWhole = false;
        }

        if (!(value >= plan.Minimum && value <= plan.Maximum) || (plan.Kind == MetricKind.Integer && Math.Abs(value) >= long.MaxValue))
        {
            Fail(MetricFaultReason.OutOfRange, column);
        }
        else if (plan.Kind == MetricKind.Number)
        {
            Row.SetNumber(column, value);
        }
        else if (!isWhole)
        {
            Row.SetInteger(column, (long)Math.Round(value, MidpointRounding.AwayFromZero));
        }
    }

    private void Convert(int column, UnitConversion? conversion)
    {
        _isConverted[column] = true;
        if (conversion is null)
        {
            Fail(MetricFaultReason.UnknownUnit, column);
        }
        else if (conversion is not { Factor: 1, Offset: 0 })
        {
            var value = Row.KindOf(column) == MetricValueKind.Integer ? Row.Integer(column) : Row.Number(column);
            Row.SetNumber(column, Rounded((value * conversion.Factor) + conversion.Offset));
        }
    }

    // 98.6 degF is 37 degC, not 36.99999999999999.
    private static double Rounded(double value)
    {
        var decimals = value == 0 ? 0 : ConvertedDigits - 1 - (int)Math.Floor(Math.Log10(Math.Abs(value)));
        return decimals is >= 0 and <= MostDecimals ? Math.Round(value, decimals) : value;
    }

    private bool IsConstant(int column)
    {
        foreach (var constant in _binding.Constants)
        {
            if (constant.Column.Ordinal == column)
            {
                return true;
            }
        }

        return false;
    }

    private void SetConstants()
    {
        foreach (var constant in _binding.Constants)
        {
            var column = constant.Column.Ordinal;
            if (Row.HasValue(column))
            {
                continue;
            }

            if (constant.Threshold is not { } threshold)
            {
                ref readonly var plan = ref _binding.Columns[column];
                SetScalar(in plan, column, JsonTokenType.String, constant.Text);
                if (plan.Kind is MetricKind.Number or MetricKind.Integer && !_isFaulty)
                {
                    FinishNumber(in plan, column, null);
                }
            }
            else if (_binding.Column is { } measured && Row.HasValue(measured.Ordinal))
            {
                var value = measured.Kind == MetricKind.Integer ? Row.Integer(measured.Ordinal) : Row.Number(measured.Ordinal);
                Row.SetBoolean(column, value >= threshold);
            }
        }
    }

    private void CheckRules()
    {
        foreach (var rule in Row.Type.Rules)
        {
            if (rule.IsBrokenBy(Row))
            {
                Fail(MetricFaultReason.RuleBroken, rule.Text);
                return;
            }
        }
    }

    private void Fail(MetricFaultReason reason, int column) => Fail(reason, _binding.Columns[column].Column.Name);

    // The first fault of a metric is the one that is told.
    private void Fail(MetricFaultReason reason, string field)
    {
        if (!_isFaulty)
        {
            _isFaulty = true;
            Reason = reason;
            Field = field;
        }
    }
}
