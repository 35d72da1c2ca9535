; The installer for Windows, for one user and without an administrator's rights.
; packaging/build calls iscc with Version and Source; see docs/bundle.md.

#ifndef Version
  #error "iscc needs /DVersion=…"
#endif
#ifndef Source
  #error "iscc needs /DSource=… , the folder of the bundle"
#endif

[Setup]
AppId={{6E0B7E0B-5C0A-4B0C-9A57-3C1D5B0C9F11}
AppName=Cellpose Studio
AppVersion={#Version}
AppPublisher=The Cellpose Studio developers
DefaultDirName={autopf}\Cellpose Studio
DefaultGroupName=Cellpose Studio
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile={#Source}\licenses\LICENSE
SetupIconFile={#SourcePath}\..\..\resources\icons\cellpose-studio.ico
UninstallDisplayIcon={app}\cellpose-studio.exe
Compression=lzma2/max
SolidCompression=yes
LZMAUseSeparateProcess=yes
ChangesAssociations=yes
CloseApplications=yes
WizardStyle=modern

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: "associate"; Description: "Open .cpstudio projects with Cellpose Studio"

[InstallDelete]
; What an older version had and this one has not would be imported otherwise.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Source}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{group}\Cellpose Studio"; Filename: "{app}\cellpose-studio.exe"; AppUserModelID: "CellposeStudio.CellposeStudio"
Name: "{autodesktop}\Cellpose Studio"; Filename: "{app}\cellpose-studio.exe"; AppUserModelID: "CellposeStudio.CellposeStudio"; Tasks: desktopicon

[Registry]
Root: HKA; Subkey: "Software\Classes\.cpstudio"; ValueType: string; ValueData: "CellposeStudio.Project"; Flags: uninsdeletevalue; Tasks: associate
Root: HKA; Subkey: "Software\Classes\.cpstudio\OpenWithProgids"; ValueType: string; ValueName: "CellposeStudio.Project"; Flags: uninsdeletevalue; Tasks: associate
Root: HKA; Subkey: "Software\Classes\CellposeStudio.Project"; ValueType: string; ValueData: "Cellpose Studio project"; Flags: uninsdeletekey; Tasks: associate
Root: HKA; Subkey: "Software\Classes\CellposeStudio.Project\DefaultIcon"; ValueType: string; ValueData: "{app}\_internal\cellpose_studio\resources\icons\project.ico"; Tasks: associate
Root: HKA; Subkey: "Software\Classes\CellposeStudio.Project\shell\open\command"; ValueType: string; ValueData: """{app}\cellpose-studio.exe"" ""%1"""; Tasks: associate
Root: HKA; Subkey: "Software\Classes\Applications\cellpose-studio.exe\shell\open\command"; ValueType: string; ValueData: """{app}\cellpose-studio.exe"" ""%1"""; Flags: uninsdeletekey

[Run]
Filename: "{app}\cellpose-studio.exe"; Description: "{cm:LaunchProgram,Cellpose Studio}"; Flags: nowait postinstall skipifsilent

[UninstallDelete]
; Only what lies in the folder of the program. Projects, models and settings are in the
; user's own folders, and stay.
Type: dirifempty; Name: "{app}"
