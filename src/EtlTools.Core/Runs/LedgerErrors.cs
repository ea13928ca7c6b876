using System.Globalization;

namespace EtlTools.Core.Runs;

internal static class LedgerErrors
{
    public static EtlException RunNotFound(IReadOnlyList<Guid> ids) =>
        NotFound("LoadRunNotFound", "load run", ids.Select(id => id.ToString()).ToList(), "Get-LoadRun lists the runs.");

    public static EtlException FileNotFound(IReadOnlyList<int> ids) =>
        NotFound("LoadFileNotFound", "load file", Texts(ids), "Get-LoadFile and Find-FailedFile list the files.");

    public static EtlException RejectedRowNotFound(long id) =>
        NotFound("RejectedRowNotFound", "rejected row", Texts([id]), "Get-RejectedRow lists the rows.");

    private static EtlException NotFound(string errorId, string what, List<string> ids, string nextStep) => new(
        EtlErrorKind.NotFound,
        errorId,
        ids.Count == 1 ? $"There is no {what} {ids[0]}." : $"There are no {what}s {string.Join(", ", ids)}.",
        ids[0],
        nextStep);

    private static List<string> Texts<T>(IReadOnlyList<T> ids)
        where T : IFormattable => ids.Select(id => id.ToString(null, CultureInfo.InvariantCulture)).ToList();
}
