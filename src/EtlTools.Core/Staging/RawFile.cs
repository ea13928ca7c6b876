namespace EtlTools.Core.Staging;

/// <summary>A file whose rows are in raw.</summary>
/// <param name="LoadRunFileId">The attempt.</param>
/// <param name="LoadRunId">The run that works on it now.</param>
/// <param name="Segment">Quoted table that holds its rows.</param>
/// <param name="ExtractedAt">Orders the versions of a key; wall-clock in the pipeline's zone.</param>
/// <param name="RowCount">Rows in raw.</param>
/// <param name="FirstBlock">
/// A hint, good only in the transaction that copied the rows: they lie at or after this block of the segment, so staging a
/// small file does not read a large segment. Null where nothing is known.
/// </param>
internal sealed record RawFile(
    int LoadRunFileId, Guid LoadRunId, string Segment, DateTime ExtractedAt, long RowCount, long? FirstBlock = null);
