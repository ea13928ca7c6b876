namespace EtlTools.Core;

/// <summary>Files that are there whole or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>Writes beside the file and renames, which replaces it in one step.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content.</param>
    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        // Whoever watches the folder for files with this ending must not find it before it is whole.
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            await using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 65536, useAsync: true))
            {
                await write(stream).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
