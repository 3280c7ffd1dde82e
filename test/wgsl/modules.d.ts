/** wgsl_reflect's types hang off its bare name, which Node cannot import; these are the parts that the tests use. */
declare module "wgsl_reflect/wgsl_reflect.module.js" {
  export interface MemberInfo {
    readonly name: string;
    readonly offset: number;
    readonly type: { readonly name: string };
  }
  export interface VariableInfo {
    readonly name: string;
    readonly group: number;
    readonly binding: number;
    readonly access: string;
    readonly size: number;
    /** Bytes from one item of an array to the next. */
    readonly stride: number;
    readonly members: readonly MemberInfo[] | null;
  }
  export class WgslReflect {
    constructor(source: string);
    readonly uniforms: readonly VariableInfo[];
    readonly storage: readonly VariableInfo[];
    readonly entry: { readonly compute: readonly { readonly name: string; readonly workgroupSize: readonly [number, number, number] | null }[] };
  }
  export interface RaceReport {
    readonly message: string;
  }
  export function detectRaces(
    source: string,
    entryPoint: string,
    dispatch: readonly number[],
    groups: Readonly<Record<number, Readonly<Record<number, unknown>>>>,
  ): { readonly races: readonly RaceReport[]; readonly errors: readonly string[] };
}
