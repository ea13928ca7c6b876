using System.Text;

namespace EtlTools.Core.Health.Export;

internal static class AtomicFile
{
    /// <summary>Writes beside the file and renames, which replaces it in one step.</summary>
    public static async Task WriteAsync(string path, string text, CancellationToken cancellationToken)
    {
        // The textfile collector reads *.prom: the name must not end so before the file is whole.
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            await using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 65536, useAsync: true))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).ConfigureAwait(false);
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
