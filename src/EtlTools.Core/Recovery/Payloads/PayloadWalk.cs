using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>One reading of one payload: finds the lists of metrics in it, whatever its shape, and gives their elements to the sink.</summary>
internal sealed class PayloadWalk(
    MetricMap map, MetricNames names, MetricParser parser, PayloadTally tally, PayloadSource source, IMetricSink sink) : IAsyncDisposable
{
    // A text inside a text inside a text is the most that a service that stores what it got can make.
    private const int MostDepth = 3;

    // A workout with its route has some ten.
    private const int MostElementBytes = 64 * 1024 * 1024;

    // What is not JSON could swallow all that follows; its end is looked for in so much.
    private const int MostMalformedBytes = 1024 * 1024;

    private const int PairsBetweenDrains = 1000;

    private readonly PairBuffer?[] _pairs = new PairBuffer?[map.Types.Count];

    private PayloadWindow _window = null!;
    private ListLabels? _labels;
    private long _ordinal;
    private PayloadShape _outerShape = PayloadShape.Empty;
    private PayloadShape _shape = PayloadShape.Empty;
    private bool _isStub;
    private bool _isDone;

    public async Task<PayloadSummary> ReadAsync(CancellationToken cancellationToken)
    {
        _window = await source.OpenAsync(0, cancellationToken).ConfigureAwait(false);
        long? brokenAt = null;
        try
        {
            await ReadDocumentAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BrokenPayloadException)
        {
            brokenAt = _window.Position;
        }

        await _window.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await EmitPairsAsync(cancellationToken).ConfigureAwait(false);
        await sink.DrainAsync(cancellationToken).ConfigureAwait(false);
        return Summarise(brokenAt);
    }

    public async ValueTask DisposeAsync()
    {
        if (_window is not null)
        {
            await _window.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask ReadDocumentAsync(CancellationToken cancellationToken)
    {
        await PassMarkAsync(cancellationToken).ConfigureAwait(false);
        switch (await _window.PeekAsync(cancellationToken).ConfigureAwait(false))
        {
            case '{':
                await ReadRootAsync(isData: false, cancellationToken).ConfigureAwait(false);
                break;
            case '[':
                await ReadMetricsAsync(cancellationToken).ConfigureAwait(false);
                break;
            case '"' when source.Depth < MostDepth:
                await EnterTextAsync(PayloadShape.TextInside, cancellationToken).ConfigureAwait(false);
                break;
            default:
                _shape = PayloadShape.NotJson;
                throw new BrokenPayloadException();
        }
    }

    private async ValueTask PassMarkAsync(CancellationToken cancellationToken)
    {
        while (_window.Ahead.Length < 3 && await _window.MoreAsync(cancellationToken).ConfigureAwait(false))
        {
        }

        if (_window.Ahead.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            _window.Skip(3);
        }
    }

    /// <summary>The outermost object, or its object "data".</summary>
    private async ValueTask ReadRootAsync(bool isData, CancellationToken cancellationToken)
    {
        _window.Skip(1);
        while (!_isDone && await _window.NextFieldAsync(cancellationToken).ConfigureAwait(false) is { } name)
        {
            var first = await _window.PeekAsync(cancellationToken).ConfigureAwait(false);
            switch (first)
            {
                case '{' when name == "data" && !isData:
                    await ReadRootAsync(isData: true, cancellationToken).ConfigureAwait(false);
                    break;
                case '{' when name == "metrics":
                    await ReadMapAsync(cancellationToken).ConfigureAwait(false);
                    break;
                case '[' when name is "metrics" or "data":
                    await ReadMetricsAsync(cancellationToken).ConfigureAwait(false);
                    break;
                case '[':
                    await ReadListAsync(new ElementList(names.FindList(name), []), cancellationToken).ConfigureAwait(false);
                    break;
                case '"' when name is "raw_text" or "raw_payload" && source.Depth < MostDepth:
                    var shape = name == "raw_text" ? PayloadShape.Corrupted : PayloadShape.TextInside;
                    await EnterTextAsync(shape, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    _isStub |= name == "large_payload" && first == 't';
                    await _window.SkipValueAsync(cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>The payload is in a text; what else stands beside it says only when and why.</summary>
    private async ValueTask EnterTextAsync(PayloadShape shape, CancellationToken cancellationToken)
    {
        _outerShape = source.Depth == 0 ? shape : _outerShape;
        _window = source.Enter(_window);
        await ReadDocumentAsync(cancellationToken).ConfigureAwait(false);
        _isDone = true;
    }

    /// <summary>Lists by their iOS names.</summary>
    private async ValueTask ReadMapAsync(CancellationToken cancellationToken)
    {
        _window.Skip(1);
        _labels = null;
        while (await _window.NextFieldAsync(cancellationToken).ConfigureAwait(false) is { } name)
        {
            _shape = PayloadShape.IosMap;
            switch (await _window.PeekAsync(cancellationToken).ConfigureAwait(false))
            {
                case '[':
                    await ReadListAsync(new ElementList(names.FindIosName(name), []), cancellationToken).ConfigureAwait(false);
                    break;
                case '{':
                    await ReadNamedListAsync(new ListLabel(name, null), isMap: true, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    await _window.SkipValueAsync(cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>A list of metrics, of named lists, or of both.</summary>
    private async ValueTask ReadMetricsAsync(CancellationToken cancellationToken)
    {
        _labels = null;
        await ReadListAsync(ElementList.OfMetrics, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ReadListAsync(ElementList list, CancellationToken cancellationToken)
    {
        _window.Skip(1);
        while (true)
        {
            var step = ReadElements(list);
            await sink.DrainAsync(cancellationToken).ConfigureAwait(false);
            switch (step)
            {
                case Step.End:
                    return;
                case Step.NamedList:
                    _shape = _shape == PayloadShape.Empty ? PayloadShape.IosArray : _shape;
                    await ReadNamedListAsync(default, isMap: false, cancellationToken).ConfigureAwait(false);
                    break;
                case Step.More when _window.Ahead.Length >= MostElementBytes:
                    RejectElement(list, list.Binding, MetricFaultReason.TooLarge);
                    await _window.SkipValueAsync(cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    if (!await _window.MoreAsync(cancellationToken).ConfigureAwait(false))
                    {
                        EndInside(list);
                        throw new BrokenPayloadException();
                    }

                    break;
            }
        }
    }

    /// <summary>{"name": ..., "units": ..., "data": [...]}, in any order.</summary>
    private async ValueTask ReadNamedListAsync(ListLabel label, bool isMap, CancellationToken cancellationToken)
    {
        _window.Skip(1);
        var place = _labels?.Take();
        while (await _window.NextFieldAsync(cancellationToken).ConfigureAwait(false) is { } field)
        {
            var first = await _window.PeekAsync(cancellationToken).ConfigureAwait(false);
            if (field != "data" || first != '[')
            {
                label = await ReadLabelAsync(label, field, first, cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (!label.IsComplete)
            {
                if (_labels is null)
                {
                    _labels = await LookAheadAsync(label, isMap, cancellationToken).ConfigureAwait(false);
                    place = _labels.Take();
                }

                label = label.Or(place ?? default);
            }

            var name = label.Name ?? "";
            var list = new ElementList(names.FindIosName(name), Encoding.UTF8.GetBytes(label.Unit ?? ""));
            await ReadListAsync(list, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<ListLabel> ReadLabelAsync(ListLabel label, string field, int first, CancellationToken cancellationToken)
    {
        if (first == '"' && field == "name")
        {
            var name = await _window.ReadNameAsync(cancellationToken).ConfigureAwait(false);
            return label with { Name = label.Name ?? name };
        }

        if (first == '"' && map.UnitFields.Contains(field))
        {
            return label with { Unit = await _window.ReadNameAsync(cancellationToken).ConfigureAwait(false) };
        }

        await _window.SkipValueAsync(cancellationToken).ConfigureAwait(false);
        return label;
    }

    /// <summary>
    /// Reads on from the data of a named list to the end of the lists, for their labels only, and comes back. jsonb has "data"
    /// before "name" and "units", and the data may be all of a large payload.
    /// </summary>
    private async ValueTask<ListLabels> LookAheadAsync(ListLabel label, bool isMap, CancellationToken cancellationToken)
    {
        var place = _window.Position;
        var labels = new ListLabels();
        try
        {
            await LookAtLabelAsync(labels, label, isAtData: true, isMap, cancellationToken).ConfigureAwait(false);
            while (isMap
                ? await _window.NextFieldAsync(cancellationToken).ConfigureAwait(false) is not null
                : await _window.NextElementAsync(cancellationToken).ConfigureAwait(false))
            {
                if (await _window.PeekAsync(cancellationToken).ConfigureAwait(false) == '{')
                {
                    _window.Skip(1);
                    await LookAtLabelAsync(labels, default, isAtData: false, isMap, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    await _window.SkipValueAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (BrokenPayloadException)
        {
            // The lists that are named up to there can be read all the same.
        }

        await _window.DisposeAsync().ConfigureAwait(false);
        _window = await source.OpenAsync(place, cancellationToken).ConfigureAwait(false);
        await _window.PeekAsync(cancellationToken).ConfigureAwait(false);
        return labels;
    }

    // Inside an element; that of a label that is half known stands at the value of its field "data".
    private async ValueTask LookAtLabelAsync(ListLabels labels, ListLabel label, bool isAtData, bool isMap, CancellationToken cancellationToken)
    {
        var isList = isAtData || isMap;
        var isMetric = false;
        try
        {
            if (isAtData)
            {
                await ReadListAsync(ElementList.Passed, cancellationToken).ConfigureAwait(false);
            }

            while (await _window.NextFieldAsync(cancellationToken).ConfigureAwait(false) is { } field)
            {
                var first = await _window.PeekAsync(cancellationToken).ConfigureAwait(false);
                isList |= field == "data" && first == '[' && !isMetric;
                isMetric |= field == "type" && first == '"' && !isList;
                if (field == "data" && first == '[')
                {
                    await ReadListAsync(ElementList.Passed, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                label = await ReadLabelAsync(label, field, first, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (isList || (label.Name is not null && !isMetric))
            {
                labels.Add(label);
            }
        }
    }

    private Step ReadElements(ElementList list)
    {
        while (true)
        {
            var text = _window.Ahead;
            var start = text.IndexOfAnyExcept(" \t\r\n,"u8);
            if (start < 0)
            {
                _window.Skip(text.Length);
                return Step.More;
            }

            _window.Skip(start);
            text = text[start..];
            if (text[0] == ']')
            {
                _window.Skip(1);
                return Step.End;
            }

            var step = text[0] != '{' ? PassOther(list, text)
                : list == ElementList.OfMetrics ? ReadMetric(text)
                : list == ElementList.Passed ? Pass(text)
                : list.Binding is null ? PassUnknown(text)
                : ReadAs(text, list, list.Binding);
            if (step != Step.Next)
            {
                return step;
            }
        }
    }

    private Step ReadMetric(ReadOnlySpan<byte> text)
    {
        if (names.TryGuess(text, out var guess, out var type))
        {
            var status = parser.Parse(text, guess, default, type, out var length);
            if (status == ParseStatus.Unfinished || (status != ParseStatus.Malformed && parser.IsOfExpectedType))
            {
                return Take(status, guess, length);
            }
        }

        switch (names.Identify(text, out var binding))
        {
            case ElementKind.Metric:
                _shape = _shape == PayloadShape.Empty ? PayloadShape.Internal : _shape;
                return ReadAs(text, ElementList.OfMetrics, binding!);
            case ElementKind.NamedList:
                return Step.NamedList;
            case ElementKind.Unknown:
                _shape = _shape == PayloadShape.Empty ? PayloadShape.Internal : _shape;
                return PassUnknown(text);
            case ElementKind.Malformed:
                return PassMalformed(text, ElementList.OfMetrics, null);
            default:
                return Step.More;
        }
    }

    private Step ReadAs(ReadOnlySpan<byte> text, ElementList list, MetricBinding binding)
    {
        var status = parser.Parse(text, binding, list.Unit, null, out var length);
        return status == ParseStatus.Malformed ? PassMalformed(text, list, binding) : Take(status, binding, length);
    }

    private Step Take(ParseStatus status, MetricBinding binding, int length)
    {
        switch (status)
        {
            case ParseStatus.Unfinished:
                return Step.More;
            case ParseStatus.Fault:
                _ordinal++;
                Reject(binding.Type, binding.Name, parser.Reason, parser.Field);
                break;
            default:
                parser.Row.Ordinal = ++_ordinal;
                if (binding.IsPaired)
                {
                    (_pairs[binding.Type.Index] ??= new PairBuffer(binding.Type)).Add(parser.Row, binding.Column!);
                }
                else
                {
                    Accept();
                }

                break;
        }

        _window.Skip(length);
        return Step.Next;
    }

    private Step Pass(ReadOnlySpan<byte> text)
    {
        switch (MetricParser.Pass(text, out var length))
        {
            case ParseStatus.Unfinished:
                return Step.More;
            case ParseStatus.Malformed:
                return PassMalformed(text, ElementList.Passed, null);
            default:
                _window.Skip(length);
                return Step.Next;
        }
    }

    private Step PassUnknown(ReadOnlySpan<byte> text)
    {
        var length = new ValueSkipper().Feed(text);
        if (length < 0)
        {
            return Step.More;
        }

        _ordinal++;
        Reject(null, "", MetricFaultReason.UnknownType, "");
        _window.Skip(length);
        return Step.Next;
    }

    // An element that is no object. Lists of something else than metrics may hold what they like.
    private Step PassOther(ElementList list, ReadOnlySpan<byte> text)
    {
        var skipper = new ValueSkipper();
        var length = skipper.Feed(text);
        if (length == 0)
        {
            throw new BrokenPayloadException();
        }

        if (length < 0)
        {
            return Step.More;
        }

        if (!text[..length].SequenceEqual("null"u8) && (list.Binding is not null || list == ElementList.OfMetrics))
        {
            RejectElement(list, list.Binding, MetricFaultReason.WrongKind);
        }

        _window.Skip(length);
        return Step.Next;
    }

    // Its quotes cannot be relied on, its brackets most often can.
    private Step PassMalformed(ReadOnlySpan<byte> text, ElementList list, MetricBinding? binding)
    {
        var end = EndByBrackets(text[..Math.Min(text.Length, MostMalformedBytes)]);
        if (end < 0 && text.Length < MostMalformedBytes && !_window.IsEnded)
        {
            return Step.More;
        }

        RejectElement(list, binding, MetricFaultReason.Malformed);
        if (end < 0)
        {
            throw new BrokenPayloadException();
        }

        _window.Skip(end);
        return Step.Next;
    }

    private static int EndByBrackets(ReadOnlySpan<byte> text)
    {
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] is (byte)'{' or (byte)'[' ? 1 : text[i] is (byte)'}' or (byte)']' ? -1 : 0;
            if (depth == 0)
            {
                return i + 1;
            }
        }

        return -1;
    }

    // The payload ends, perhaps inside an element.
    private void EndInside(ElementList list)
    {
        if (_window.Ahead.Length == 0 || _window.Ahead[0] is not (byte)'{')
        {
            return;
        }

        var binding = list.Binding;
        if (list == ElementList.OfMetrics)
        {
            names.Identify(_window.Ahead, out binding);
        }

        RejectElement(list, binding, MetricFaultReason.Incomplete);
    }

    private async ValueTask EmitPairsAsync(CancellationToken cancellationToken)
    {
        foreach (var pairs in _pairs.OfType<PairBuffer>())
        {
            pairs.Sort();
            for (var i = 1; pairs.TryTake(parser.Row, out var missing); i++)
            {
                var row = parser.Row;
                if (missing is not null)
                {
                    Reject(row.Type, row.Type.Name, row.Ordinal, MetricFaultReason.MissingField, missing.Name);
                }
                else if (parser.Check() == ParseStatus.Row)
                {
                    Accept();
                }
                else
                {
                    Reject(row.Type, row.Type.Name, row.Ordinal, parser.Reason, parser.Field);
                }

                if (i % PairsBetweenDrains == 0)
                {
                    await sink.DrainAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private void Accept()
    {
        tally.Accept(parser.Row.Type);
        sink.Accept(parser.Row);
    }

    private void RejectElement(ElementList list, MetricBinding? binding, MetricFaultReason reason)
    {
        if (list != ElementList.Passed)
        {
            _ordinal++;
            Reject(binding?.Type, binding?.Name ?? "", reason, "");
        }
    }

    private void Reject(MetricType? type, string name, MetricFaultReason reason, string field) =>
        Reject(type, name, _ordinal, reason, field);

    private void Reject(MetricType? type, string name, long ordinal, MetricFaultReason reason, string field)
    {
        if (type is null)
        {
            tally.RejectUnknown();
        }
        else
        {
            tally.Reject(type);
        }

        sink.Reject(new MetricFault(type, name, ordinal, reason, field));
    }

    private PayloadSummary Summarise(long? brokenAt)
    {
        var seen = tally.Accepted + tally.Rejected;
        var inner = seen > 0 && _shape == PayloadShape.Empty ? PayloadShape.Internal
            : seen == 0 && _isStub ? PayloadShape.Stub
            : seen == 0 && brokenAt is not null ? PayloadShape.NotJson
            : _shape;
        return new PayloadSummary
        {
            Shape = _outerShape == PayloadShape.Empty ? inner : _outerShape,
            InnerShape = inner,
            Types = tally.Types,
            Unknown = tally.Unknown,
            UnknownFields = tally.UnknownFields,
            Seen = seen,
            Accepted = tally.Accepted,
            Rejected = tally.Rejected,
            Bytes = _window.Position,
            TruncatedAt = brokenAt,
            Unrecoverable = seen > 0 ? UnrecoverableReason.None
                : inner == PayloadShape.Stub ? UnrecoverableReason.DataNotKept
                : brokenAt is not null ? UnrecoverableReason.NotJson
                : UnrecoverableReason.NoMetrics,
        };
    }

    private enum Step
    {
        Next,
        End,
        More,
        NamedList,
    }
}
