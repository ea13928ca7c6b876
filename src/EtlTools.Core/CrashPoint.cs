using System.Diagnostics;

namespace EtlTools.Core;

/// <summary>
/// Named steps at which a test can kill the process: ETL_CRASH_AT=name, or name:3 for the third time it is passed.
/// Nothing is flushed, closed or rolled back, as with kill -9.
/// </summary>
internal static class CrashPoint
{
    private static readonly string? Name;
    private static int _left;

    static CrashPoint()
    {
        var setting = Environment.GetEnvironmentVariable("ETL_CRASH_AT");
        if (string.IsNullOrEmpty(setting))
        {
            return;
        }

        var parts = setting.Split(':');
        Name = parts[0];
        _left = parts.Length > 1 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 1;
    }

    public static void Pass(string name)
    {
        if (Name == name && Interlocked.Decrement(ref _left) == 0)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
