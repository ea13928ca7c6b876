namespace EtlTools.Benchmarks.Data;

/// <summary>Five tables of a practice, shaped like the largest of a real one, with the given number of rows each.</summary>
internal static class Practice
{
    public static readonly IReadOnlyList<string> Tables = ["securitylog", "paysplit", "procedurelog", "histappointment", "sheetfield"];

    private const string Stamp = "timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()";
    private const string Day = "date NOT NULL DEFAULT '0001-01-01'";
    private const string Moment = "datetime NOT NULL DEFAULT '0001-01-01 00:00:00'";
    private const string Table = "ENGINE=MyISAM DEFAULT CHARSET=utf8mb3";

    public static IEnumerable<string> Create(int rows) =>
    [
        $"""
        CREATE TABLE securitylog (SecurityLogNum bigint(20) AUTO_INCREMENT PRIMARY KEY, PermType smallint(6) NOT NULL, UserNum bigint(20) NOT NULL, PatNum bigint(20) NOT NULL,
            LogDateTime {Moment}, LogText text, CompName varchar(255) NOT NULL, FKey bigint(20) NOT NULL, LogSource tinyint(4) NOT NULL, DefNum bigint(20) NOT NULL, DefNumError bigint(20) NOT NULL, DateTPrevious {Moment}) {Table}
        """,
        $"""
        INSERT INTO securitylog SELECT seq, seq % 90, seq % 70, seq % 30000, '2015-01-01' + INTERVAL seq MINUTE, IF(seq % 5, CONCAT('Viewed chart of patient in operatory ', seq), NULL), CONCAT('WS-', seq % 40),
            seq, seq % 3, 0, 0, IF(seq % 3, '2016-01-01' + INTERVAL seq MINUTE, '0001-01-01') FROM seq_1_to_{rows}
        """,
        $"""
        CREATE TABLE paysplit (SplitNum bigint(20) AUTO_INCREMENT PRIMARY KEY, SplitAmt double NOT NULL, PatNum bigint(20) NOT NULL, ProcDate {Day}, PayNum bigint(20) NOT NULL, IsDiscount tinyint(3) unsigned NOT NULL, DiscountType tinyint(3) unsigned NOT NULL,
            ProvNum bigint(20) NOT NULL, PayPlanNum bigint(20) NOT NULL, DatePay {Day}, ProcNum bigint(20) NOT NULL, DateEntry {Day}, UnearnedType bigint(20) NOT NULL, ClinicNum bigint(20) NOT NULL, SecUserNumEntry bigint(20) NOT NULL,
            SecDateTEdit {Stamp}, FSplitNum bigint(20) NOT NULL, AdjNum bigint(20) NOT NULL, PayPlanChargeNum bigint(20) NOT NULL, PayPlanDebitType tinyint(4) NOT NULL, SecurityHash varchar(255) NOT NULL) {Table}
        """,
        $"""
        INSERT INTO paysplit SELECT seq, seq / 7, seq % 30000, '2015-01-01' + INTERVAL seq % 3000 DAY, seq / 3, 0, 0, seq % 50, 0, '2015-01-02' + INTERVAL seq % 3000 DAY, seq, '0001-01-01', 0, 0, seq % 70,
            '2020-01-01' + INTERVAL seq SECOND, 0, 0, 0, 0, MD5(seq) FROM seq_1_to_{rows}
        """,
        $"""
        CREATE TABLE procedurelog (ProcNum bigint(20) AUTO_INCREMENT PRIMARY KEY, PatNum bigint(20) NOT NULL, AptNum bigint(20) NOT NULL, ProcDate {Day}, ProcFee double NOT NULL, Surf varchar(10), ToothNum varchar(2), ToothRange varchar(100),
            Priority bigint(20) NOT NULL, ProcStatus tinyint(3) unsigned NOT NULL, ProvNum bigint(20) NOT NULL, Dx bigint(20) NOT NULL, PlannedAptNum bigint(20) NOT NULL, PlaceService tinyint(3) unsigned NOT NULL, DateOriginalProsth {Day},
            ClaimNote varchar(80), DateEntryC {Day}, ClinicNum bigint(20) NOT NULL, MedicalCode varchar(15), DiagnosticCode varchar(255), IsPrincDiag tinyint(3) unsigned NOT NULL, ProcNumLab bigint(20) NOT NULL, BillingTypeOne bigint(20) NOT NULL,
            CodeNum bigint(20) NOT NULL, CodeMod1 char(2), CodeMod2 char(2), UnitQty int(11) NOT NULL, BaseUnits int(11) NOT NULL, StartTime int(11) NOT NULL, StopTime int(11) NOT NULL, DateTP {Day}, HideGraphics tinyint(4) NOT NULL,
            ProcTime time NOT NULL, ProcTimeEnd time NOT NULL, DateTStamp {Stamp}, DrugUnit tinyint(4) NOT NULL, DrugQty float NOT NULL, BillingNote varchar(255) NOT NULL, Discount double NOT NULL, SecUserNumEntry bigint(20) NOT NULL,
            SecDateEntry {Moment}, DateComplete {Day}, TaxAmt double NOT NULL, Urgency tinyint(4) NOT NULL) {Table}
        """,
        $"""
        INSERT INTO procedurelog SELECT seq, seq % 30000, seq / 4, '2015-01-01' + INTERVAL seq % 3000 DAY, seq % 900 + 0.5, IF(seq % 3, 'MOD', ''), seq % 32, NULL, 0, seq % 7, seq % 50, 0, 0, 0, '0001-01-01', NULL, '2015-01-01' + INTERVAL seq % 3000 DAY,
            0, '', '', 0, 0, 0, seq % 1700, '', '', 1, 0, 0, 0, '0001-01-01', 0, SEC_TO_TIME(seq % 86400), '00:00:00', '2020-01-01' + INTERVAL seq SECOND, 0, seq / 3, '', 0, seq % 70, '2015-01-01' + INTERVAL seq MINUTE, '0001-01-01', 0, 0 FROM seq_1_to_{rows}
        """,
        $"""
        CREATE TABLE histappointment (HistApptNum bigint(20) AUTO_INCREMENT PRIMARY KEY, HistUserNum bigint(20) NOT NULL, HistDateTStamp {Moment}, HistApptAction tinyint(4) NOT NULL, ApptSource tinyint(4) NOT NULL, AptNum bigint(20) NOT NULL,
            PatNum bigint(20) NOT NULL, AptStatus tinyint(4) NOT NULL, Pattern varchar(255) NOT NULL, Confirmed bigint(20) NOT NULL, Op bigint(20) NOT NULL, Note text NOT NULL, ProvNum bigint(20) NOT NULL, ProvHyg bigint(20) NOT NULL,
            AptDateTime {Moment}, IsNewPatient tinyint(4) NOT NULL, ProcDescript varchar(255) NOT NULL, ClinicNum bigint(20) NOT NULL, IsHygiene tinyint(4) NOT NULL, DateTStamp {Stamp}, DateTimeArrived {Moment}, DateTimeSeated {Moment},
            DateTimeDismissed {Moment}, AppointmentTypeNum bigint(20) NOT NULL, ProcsColored text NOT NULL, Priority tinyint(4) NOT NULL, SecDateTEntry {Moment}) {Table}
        """,
        $"""
        INSERT INTO histappointment SELECT seq, seq % 70, '2015-01-01' + INTERVAL seq MINUTE, seq % 4, 0, seq / 5, seq % 30000, seq % 6, '//XXXXXX//', 19, seq % 12, IF(seq % 4, '', 'Patient prefers mornings; confirm by text.'), seq % 50, 0,
            '2015-02-01' + INTERVAL seq MINUTE, 0, 'PerEx, BWX4, Pro', 0, 0, '2020-01-01' + INTERVAL seq SECOND, '0001-01-01', '0001-01-01', '0001-01-01', 0, '<span color="-16777216">PerEx, BWX4</span>', 0, '2015-01-01' + INTERVAL seq MINUTE FROM seq_1_to_{rows}
        """,
        $"""
        CREATE TABLE sheetfield (SheetFieldNum bigint(20) AUTO_INCREMENT PRIMARY KEY, SheetNum bigint(20) NOT NULL, FieldType int(11) NOT NULL, FieldName varchar(255) NOT NULL, FieldValue text NOT NULL, FontSize float NOT NULL, FontName varchar(255) NOT NULL,
            FontIsBold tinyint(4) NOT NULL, XPos int(11) NOT NULL, YPos int(11) NOT NULL, Width int(11) NOT NULL, Height int(11) NOT NULL, GrowthBehavior int(11) NOT NULL, RadioButtonValue varchar(255) NOT NULL, RadioButtonGroup varchar(255) NOT NULL,
            IsRequired tinyint(4) NOT NULL, TabOrder int(11) NOT NULL, ReportableName varchar(255), TextAlign tinyint(4) NOT NULL, ItemColor int(11) NOT NULL, DateTimeSig {Moment}, IsLocked tinyint(4) NOT NULL, SheetFieldDefNum bigint(20) NOT NULL) {Table}
        """,
        $"""
        INSERT INTO sheetfield SELECT seq, seq / 40, seq % 12, CONCAT('field', seq % 90), IF(seq % 3, '', CONCAT('Answer number ', seq)), 8.25, 'Segoe UI', 0, seq % 800, seq % 1000, 100, 16, 0, '', '', 0, 0, NULL, 0, -16777216, '0001-01-01', 0, seq % 900 FROM seq_1_to_{rows}
        """,
    ];

    /// <summary>One row in a hundred: where a stamp tells of it changed, elsewhere added.</summary>
    public static IEnumerable<string> Change(int rows, int time) =>
    [
        $"INSERT INTO securitylog SELECT seq + {rows} + {time} * {rows}, 1, 1, 1, '2024-01-01', 'new', 'WS', 0, 0, 0, 0, '2024-01-01' FROM seq_1_to_{rows / 100}",
        $"INSERT INTO sheetfield SELECT seq + {rows} + {time} * {rows}, 1, 1, 'f', 'new', 8.25, 'x', 0, 0, 0, 0, 0, 0, '', '', 0, 0, NULL, 0, 0, '0001-01-01', 0, 0 FROM seq_1_to_{rows / 100}",
        $"UPDATE paysplit SET SplitAmt = SplitAmt + 1 WHERE SplitNum % 100 = {time}",
        $"UPDATE procedurelog SET ProcFee = ProcFee + 1 WHERE ProcNum % 100 = {time}",
        $"UPDATE histappointment SET Note = CONCAT('x', Note) WHERE HistApptNum % 100 = {time}",
    ];
}
