using System.IO.Enumeration;
using System.Runtime.CompilerServices;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Sources;

/// <summary>A folder, local or mounted. A key is the path below it with forward slashes.</summary>
internal sealed class FolderSourceStore : ISourceStore
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false,
        RecurseSubdirectories = false,
    };

    private readonly string _root;
    private readonly string _filter;
    private readonly bool _recurse;

    public FolderSourceStore(SourceConfig source)
    {
        if (string.IsNullOrWhiteSpace(source.Path))
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "SourceInvalid",
                "The source is a folder and names no path.",
                "source.path",
                "Set source.path in the pipeline file.");
        }

        _root = NormalizeRoot(source.Path);
        _filter = source.Filter;
        _recurse = source.Recurse;
    }

    public string Description => _root;

    internal static string NormalizeRoot(string path) =>
        path.Length == 0 ? "" : Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <remarks>An entry that cannot be read ends the listing; the other overload reports it and goes on.</remarks>
    public IAsyncEnumerable<SourceObject> ListAsync(CancellationToken cancellationToken) =>
        ListAsync(onUnreadable: null, cancellationToken);

    // The names of one folder at a time are held and sorted, so that a listing is in key order; sizes and times are
    // asked as it goes.
    public async IAsyncEnumerable<SourceObject> ListAsync(
        Action<UnrecognisedFile>? onUnreadable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var open = new Stack<Entry>();
        var top = await ReadFolderAsync(_root, keyPrefix: "", cancellationToken).ConfigureAwait(false);
        if (!_recurse)
        {
            ReportFoldersNotRead(top, onUnreadable);
            top.RemoveAll(entry => entry.IsFolder);
        }

        Push(open, top);
        while (open.TryPop(out var entry))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry.IsFolder)
            {
                Push(open, await ReadSubfolderAsync(entry, onUnreadable, cancellationToken).ConfigureAwait(false));
            }
            else if (Stat(entry.Key) is { } file)
            {
                yield return file;
            }
            else
            {
                Report(entry.Key, "The entry cannot be read: it is a broken link, or it went away.", onUnreadable, inner: null);
            }
        }
    }

    public Task<SourceObject?> FindAsync(string key, CancellationToken cancellationToken)
    {
        RefuseEscape(key);
        return Task.Run(
            () => Directory.Exists(_root) ? Stat(key) : throw RootMissing(inner: null), cancellationToken)
            .WaitAsync(cancellationToken);
    }

    public async Task<OpenedObject> OpenAsync(SourceObject expected, CancellationToken cancellationToken)
    {
        RefuseEscape(expected.Key);

        // Opening blocks on a folder that hangs, and on a pipe that somebody put there.
        var opening = Task.Run(() => Open(expected), CancellationToken.None);
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(
                static late => (late.IsCompletedSuccessfully ? late.Result.Content : null)?.Dispose(),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            throw;
        }
    }

    public void Dispose()
    {
    }

    private OpenedObject Open(SourceObject expected)
    {
        try
        {
            var opened = Stat(expected.Key) ?? throw FileMissing(expected.Key, inner: null);
            if (opened.SizeBytes != expected.SizeBytes || opened.LastModified != expected.LastModified)
            {
                throw UnchangedFileStream.Changed(expected.Key);
            }

            return new OpenedObject(new UnchangedFileStream(PathOf(expected.Key), expected), opened, ObjectVersion: "");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw FileMissing(expected.Key, exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new EtlException(
                EtlErrorKind.Permission,
                "SourceAccessDenied",
                "This user may not read the file.",
                expected.Key,
                "Let the user that runs the load read the file.",
                inner: exception);
        }
        catch (IOException exception)
        {
            throw new EtlException(
                EtlErrorKind.Source,
                "SourceUnavailable",
                "The file cannot be opened: it is in use, or its disk does not answer.",
                expected.Key,
                "Wait until the file is written, check the disk or share, and try again.",
                isTransient: true,
                exception);
        }
    }

    private async Task<List<Entry>> ReadSubfolderAsync(
        Entry folder, Action<UnrecognisedFile>? onUnreadable, CancellationToken cancellationToken)
    {
        // A link to a folder may lead back above it, for ever. With its slash the path would mean what it leads to.
        var path = PathOf(folder.Key);
        if (new DirectoryInfo(Path.TrimEndingDirectorySeparator(path)).LinkTarget is not null)
        {
            Report(folder.Key, "The entry is a link to a folder; such links are not followed.", onUnreadable, inner: null);
            return [];
        }

        try
        {
            return await ReadFolderAsync(path, folder.Key, cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException exception)
        {
            Report(folder.Key, "The folder cannot be read.", onUnreadable, exception);
            return [];
        }
    }

    private async Task<List<Entry>> ReadFolderAsync(string path, string keyPrefix, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => ReadFolder(path, keyPrefix), cancellationToken)
                .WaitAsync(cancellationToken)
                .ConfigureAwait(false);
        }
        catch (DirectoryNotFoundException exception)
        {
            throw RootMissing(exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new EtlException(
                EtlErrorKind.Permission,
                "SourceAccessDenied",
                "This user may not list the folder.",
                path,
                "Let the user that runs the load list and read the folder.",
                inner: exception);
        }
        catch (IOException exception)
        {
            throw new EtlException(
                EtlErrorKind.Source,
                "SourceUnavailable",
                "The folder does not answer, or is not a folder.",
                path,
                "Check the path, the disk or the share, and try again.",
                isTransient: true,
                exception);
        }
    }

    private List<Entry> ReadFolder(string path, string keyPrefix)
    {
        var children = new FileSystemEnumerable<Entry>(
            path,
            (ref FileSystemEntry entry) => new Entry(
                keyPrefix + entry.FileName.ToString() + (entry.IsDirectory ? "/" : ""), entry.IsDirectory),
            Everything)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) =>
                entry.IsDirectory || FileSystemName.MatchesSimpleExpression(_filter, entry.FileName, ignoreCase: true),
        }.ToList();
        children.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        return children;
    }

    private static void Push(Stack<Entry> open, List<Entry> children)
    {
        for (var index = children.Count - 1; index >= 0; index--)
        {
            open.Push(children[index]);
        }
    }

    private SourceObject? Stat(string key)
    {
        try
        {
            var file = new FileInfo(PathOf(key));
            if (file.LinkTarget is not null)
            {
                file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
            }

            return file is { Exists: true }
                ? new SourceObject(_root, key, file.Length, ETag: "", UnchangedFileStream.Milliseconds(file.LastWriteTimeUtc))
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Report(string key, string reason, Action<UnrecognisedFile>? onUnreadable, Exception? inner)
    {
        if (onUnreadable is null)
        {
            throw new EtlException(
                EtlErrorKind.Source, "SourceEntryUnreadable", reason, key, "Repair or remove the entry.", inner: inner);
        }

        var entry = new SourceObject(_root, key, 0, ETag: "", DateTimeOffset.UnixEpoch);
        onUnreadable(new UnrecognisedFile(entry, "SourceEntryUnreadable", reason));
    }

    // A source that keeps its files in folders looks empty without recurse.
    private void ReportFoldersNotRead(List<Entry> top, Action<UnrecognisedFile>? onUnreadable)
    {
        if (top.Count > 0 && top.TrueForAll(entry => entry.IsFolder))
        {
            var folder = new SourceObject(_root, top[0].Key, 0, ETag: "", DateTimeOffset.UnixEpoch);
            var others = top.Count == 1 ? "" : $" It is one of {top.Count} folders.";
            onUnreadable?.Invoke(new UnrecognisedFile(
                folder,
                "FoldersNotRead",
                $"The source has no file beside this folder, and folders are not looked into: say recurse: true under source in the pipeline file to read them.{others}"));
        }
    }

    private string PathOf(string key) => Path.Combine(_root, key.Replace('/', Path.DirectorySeparatorChar));

    private void RefuseEscape(string key)
    {
        var comparison = OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        var inside = Path.EndsInDirectorySeparator(_root) ? _root : _root + Path.DirectorySeparatorChar;
        if (key.Contains('\0') || !Path.GetFullPath(PathOf(key)).StartsWith(inside, comparison))
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "SourceKeyInvalid",
                "The key leads out of the source's folder.",
                key,
                "Give a key as Find-NewFile shows it.");
        }
    }

    private EtlException RootMissing(Exception? inner) => new(
        EtlErrorKind.NotFound,
        "SourceNotFound",
        $"There is no folder {_root}.",
        _root,
        "Check source.path in the pipeline file, and that the disk or share is mounted.",
        inner: inner);

    private static EtlException FileMissing(string key, Exception? inner) => new(
        EtlErrorKind.Source,
        "SourceFileMissing",
        "The file is not in the folder any more.",
        key,
        "Put it back, or leave it out.",
        inner: inner);

    /// <param name="Key">A folder's ends in a slash.</param>
    /// <param name="IsFolder">Whether it may hold more.</param>
    private readonly record struct Entry(string Key, bool IsFolder);
}
