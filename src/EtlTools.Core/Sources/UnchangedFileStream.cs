namespace EtlTools.Core.Sources;

/// <summary>A file read forward, and compared at its end with what it was at its beginning.</summary>
internal sealed class UnchangedFileStream : ForwardStream
{
    private readonly FileStream _file;
    private readonly string _path;
    private readonly SourceObject _expected;

    public UnchangedFileStream(string path, SourceObject expected)
    {
        _path = path;
        _expected = expected;

        // Whoever writes the file is never held up: a change is noticed, not prevented.
        _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            BufferSize = 0,
        });
    }

    public static EtlException Changed(string key) => new(
        EtlErrorKind.Source,
        "SourceFileChanged",
        "The file was written since it was listed; nothing of it was loaded.",
        key,
        "Wait until it is complete, and run Find-NewFile again: it shows the file as it is now.");

    public static DateTimeOffset Milliseconds(DateTime utc) =>
        new(utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMillisecond)), TimeSpan.Zero);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        int read;
        try
        {
            read = await _file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new EtlException(
                EtlErrorKind.Source,
                "SourceUnavailable",
                "The file cannot be read on: its disk or share does not answer.",
                _expected.Key,
                "Check the disk or share, and try again.",
                isTransient: true,
                exception);
        }

        if (read == 0)
        {
            RefuseChange();
        }

        return read;
    }

    public override async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    // Both the file that was read and the one that now bears its name: it may have been replaced.
    private void RefuseChange()
    {
        var named = new FileInfo(_path);
        if (named.LinkTarget is not null)
        {
            named = named.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
        }

        var isSame = _file.Position == _expected.SizeBytes
            && named is { Exists: true }
            && named.Length == _expected.SizeBytes
            && Milliseconds(named.LastWriteTimeUtc) == _expected.LastModified;
        if (!isSame)
        {
            throw Changed(_expected.Key);
        }
    }
}
