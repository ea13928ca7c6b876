using System.Globalization;

namespace EtlTools.Core.Reprocessing;

/// <summary>Stops the rest of a reprocess once too much of it has gone wrong.</summary>
internal sealed class CircuitBreaker(int? maxFailure, double? maxErrorRate)
{
    private int _failed;
    private long _read;
    private long _rejected;

    /// <summary>Why the rest is not started; null while the limits hold.</summary>
    public string? Open
    {
        get
        {
            if (maxFailure is { } failures && _failed >= failures)
            {
                return string.Create(CultureInfo.InvariantCulture, $"Not started: {_failed} file(s) failed, the limit is {failures}.");
            }

            if (maxErrorRate is { } rate && _read > 0 && (double)_rejected / _read > rate)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"Not started: {(double)_rejected / _read:P1} of the rows were rejected, the limit is {rate:P1}.");
            }

            return null;
        }
    }

    public void Count(ReprocessReceipt receipt)
    {
        _failed += receipt.Status == "Failed" ? 1 : 0;
        _read += receipt.RowsRead;
        _rejected += receipt.RowsRejected;
    }
}
