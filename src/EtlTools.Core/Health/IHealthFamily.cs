using Npgsql;

namespace EtlTools.Core.Health;

/// <summary>One kind of pipeline: how its state is read, and what to do about it.</summary>
internal interface IHealthFamily
{
    PipelineFamily Family { get; }

    /// <summary>Why the question is not about this family; null where it is.</summary>
    string? WhyLeftOut(HealthQuery query);

    /// <param name="connection">In a transaction that sees one state of the database.</param>
    /// <param name="windows">The windows to count in.</param>
    /// <param name="query">What is asked about.</param>
    /// <param name="cancellationToken">Stops the statements.</param>
    /// <returns>Null where this database has no such pipeline.</returns>
    Task<FamilyReading?> ReadAsync(NpgsqlConnection connection, HealthWindows windows, HealthQuery query, CancellationToken cancellationToken);

    /// <summary>What is wrong with a subject by limits of its own; nothing where a family's subjects have none.</summary>
    IReadOnlyList<HealthFinding> Judge(SubjectReading subject, HealthWindows windows, HealthThresholds limits) => [];

    /// <summary>What a user, practice or table of this family needs.</summary>
    (string Action, string Command) Advise(SubjectReading subject, ImpactUrgency urgency, HealthQuery query);

    /// <summary>What to do about what was read, the most important first.</summary>
    IEnumerable<(string Text, string Command)> Recommend(FamilyReading reading, HealthQuery query);
}
